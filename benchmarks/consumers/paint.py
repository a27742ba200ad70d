"""One exported network, one photo, one runtime: `paint.py RUNTIME FOLDER`, without nstlib.

FOLDER holds network.onnx, network.tflite and photo.npy `(1, H, W, 3)`; painted.npy is written there, and the seconds of
the second call are printed.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def onnxruntime(folder):
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "network.onnx")
    return lambda photo: session.run(None, {"images": photo})[0]


def openvino(folder):
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(folder / "network.onnx", "CPU", options)
    return lambda photo: model([photo])[0]


def opencv(folder):
    import cv2

    net = cv2.dnn.readNetFromONNX(str(folder / "network.onnx"))

    def paint(photo):
        net.setInput(photo)
        return net.forward()

    return paint


def mnn(folder):
    import MNN

    target = str(folder / "network.mnn")
    convert = Path(sys.executable).with_name("mnnconvert")
    given = ["--modelFile", str(folder / "network.onnx"), "--MNNModel", target, "--bizCode", "x"]
    subprocess.run([convert, "--framework", "ONNX", *given], check=True, stdout=subprocess.DEVNULL)
    net = MNN.nn.load_module_from_file(target, ["images"], ["painted"])

    def paint(photo):
        # As it says of every tensor of a model from ONNX, whatever the axes mean.
        images = MNN.expr.const(photo, list(photo.shape), MNN.expr.NCHW)
        return np.array(net.forward([images])[0].read()).reshape(photo.shape)

    return paint


def ncnn(folder):
    import ncnn

    shape = ",".join(map(str, np.load(folder / "photo.npy").shape))
    convert = Path(sys.executable).with_name("pnnx")
    given = [convert, "network.onnx", f"inputshape=[{shape}]f32"]
    subprocess.run(given, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    net = ncnn.Net()
    net.load_param(str(folder / "network.ncnn.param"))
    net.load_model(str(folder / "network.ncnn.bin"))

    def paint(photo):
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(photo[0]))
        return np.array(extractor.extract("out0")[1])[None]

    return paint


def onnx2torch(folder):
    import onnx2torch
    import torch

    module = onnx2torch.convert(folder / "network.onnx").eval()

    def paint(photo):
        with torch.no_grad():
            return module(torch.from_numpy(photo)).numpy()

    return paint


def litert(folder):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / "network.tflite"))
    (images,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def paint(photo):
        interpreter.resize_tensor_input(images["index"], photo.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(images["index"], photo)
        interpreter.invoke()
        return interpreter.get_tensor(output["index"])

    return paint


RUNTIMES = {
    function.__name__: function
    for function in (onnxruntime, openvino, opencv, mnn, ncnn, onnx2torch, litert)
}


def main():
    runtime, folder = sys.argv[1], Path(sys.argv[2])
    photo = np.load(folder / "photo.npy")
    paint = RUNTIMES[runtime](folder)
    paint(photo)
    start = time.perf_counter()
    painted = paint(photo)
    print(f"\nseconds {time.perf_counter() - start}")
    np.save(folder / "painted.npy", painted)


if __name__ == "__main__":
    main()
