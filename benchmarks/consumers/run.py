"""Exported networks in the runtimes that people have, each in a process of its own.

    python -m venv /tmp/consumers && /tmp/consumers/bin/pip install -r benchmarks/consumers/requirements.txt
    cp benchmarks/consumers/package.json /tmp/consumers && npm install --prefix /tmp/consumers
    .venv/bin/python benchmarks/consumers/run.py /tmp/consumers

`nst export` writes wave.onnx and wave.tflite, for any size, of the wide and of the slim network. Each runtime paints
photos of two odd sizes and one of 512 px. results/tables/benchmark_consumers.csv has the largest difference to Keras in
grey levels of 255, the seconds of the second call, or the error.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from common import full_results  # noqa: E402

import nstlib as nst  # noqa: E402
from nstlib.images import centre_crop  # noqa: E402
from nstlib.johnson import SLIM_WIDTH  # noqa: E402

RUNTIMES = {
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "opencv": "opencv-python-headless",
    "mnn": "MNN",
    "ncnn": "ncnn",
    "onnx2torch": "onnx2torch",
    "litert": "ai-edge-litert",
    "onnxruntime-web": None,
}
SIZES = ((61, 83), (101, 67), (342, 512))
WIDTHS = {"wide": 1.0, "slim": SLIM_WIDTH}
PATIENCE = 300  # seconds


def version(environment: Path, runtime: str) -> str:
    """Of the package in the other environment."""
    package = RUNTIMES[runtime]
    if package is None:
        text = environment / "node_modules" / runtime / "package.json"
        return json.loads(text.read_text())["version"]
    (folder,) = environment.glob("lib/python*/site-packages")
    (found,) = metadata.distributions(name=package, path=[str(folder)])
    return found.version


def command(environment: Path, runtime: str, folder: Path, shape: tuple[int, ...]) -> list[str]:
    """What paints the photo of the folder there."""
    if RUNTIMES[runtime] is None:
        # A module looks for packages beside itself.
        script = environment / "paint.mjs"
        script.write_text((HERE / "paint.mjs").read_text())
        return ["node", str(script), str(folder), str(shape[1]), str(shape[2])]
    return [str(environment / "bin/python"), str(HERE / "paint.py"), runtime, str(folder)]


def run(environment: Path, runtime: str, network: nst.Network, size: tuple[int, int]) -> dict:
    """Largest difference and seconds, or the last line of the error."""
    photo = centre_crop(nst.photo("coffee"), *size)[None]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix in ("onnx", "tflite"):
            nst.export_network(network, folder / f"network.{suffix}")
        np.save(folder / "photo.npy", photo)
        photo.tofile(folder / "photo.bin")
        try:
            process = subprocess.run(
                command(environment, runtime, folder, photo.shape),
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
                cwd=folder,
            )
            (seconds,) = (
                float(line.split()[1])
                for line in process.stdout.splitlines()
                if line.startswith("seconds ")
            )
            painted = (
                np.fromfile(folder / "painted.bin", np.float32).reshape(photo.shape)
                if RUNTIMES[runtime] is None
                else np.load(folder / "painted.npy")
            )
        except subprocess.TimeoutExpired:
            return {"error": f"not ready after {PATIENCE} s"}
        except (ValueError, OSError):
            lines = (process.stderr or process.stdout).strip().splitlines()
            return {"error": lines[-1][:200] if lines else f"exit code {process.returncode}"}
    difference = np.abs(painted.clip(0, 1) - network.stylize(photo[0]))
    return {"largest_difference": 255 * difference.max(), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", type=Path, help="with what requirements.txt lists")
    environment = parser.parse_args().environment
    rows = []
    for kind, width in WIDTHS.items():
        network = nst.load_network("wave", width=width)
        for runtime in RUNTIMES:
            for height, across in SIZES:
                key = {"runtime": runtime, "version": version(environment, runtime)}
                key |= {"network": kind, "height": height, "width": across}
                rows.append(key | run(environment, runtime, network, (height, across)))
                print(rows[-1], flush=True)
    caption = (
        "Exported networks in other runtimes: largest difference to Keras in grey levels of 255, seconds of the second "
        "call, or the error."
    )
    full_results().table("benchmark_consumers", pd.DataFrame(rows), caption=caption)


if __name__ == "__main__":
    main()
