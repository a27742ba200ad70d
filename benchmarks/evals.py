"""Seconds for one evaluation of the gradient, beside a plain PyTorch loop over the same VGG-16.

    .venv/bin/python -m pip install '.[bench]'  # PyTorch
    .venv/bin/python benchmarks/evals.py

Both compute the default objective: average pooling, content at relu3_3, Gram matrices at relu1_2, relu2_2, relu3_3 and
relu4_3, total variation, and both on all cores. They take turns, each measurement in a fresh process. `nstlib loop` is
what an evaluation takes inside `nst.gatys`, where L-BFGS has its share too. Writes results/tables/benchmark_evals.csv
and benchmark_evals_summary.csv.
"""

import argparse
import time

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.objective.features import load_weights

COUNTS = (2, 2, 3, 3)  # convolutions in the blocks up to relu4_3
SIZES = {256: 20, 512: 8, 1024: 4}  # evaluations that count in each measurement
WARM_UP = 2
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of red, green and blue


def pictures(size: int):
    """A photo and a style image, square."""
    photo = nst.images.centre_crop(nst.photo("astronaut"), size, size)
    return photo, nst.images.centre_crop(nst.style("brush_flow"), size, size)


def nstlib_gradient(size: int, count: int) -> float:
    """Median seconds of the compiled gradient alone."""
    import tensorflow as tf

    photo, style = (tf.constant(image[None]) for image in pictures(size))
    objective = nst.PerceptualLoss()
    targets = objective.content_targets(photo), objective.style_targets(style)

    @tf.function
    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = objective(images, *targets).total
        return tape.gradient(total, images)

    return nst.machine.measure(
        lambda: gradient(photo).numpy(), repeats=count, warmup=WARM_UP
    ).median


def nstlib_loop(size: int, count: int) -> float:
    """Median seconds of an evaluation inside the optimisation."""
    photo, style = pictures(size)
    result = nst.gatys(photo, style, steps=count + WARM_UP, scales=(1,), progress=False)
    history = result.history
    seconds = history["seconds"].diff() / history["evals"].diff()
    return float(seconds.iloc[WARM_UP:].median())


def torch_gradient(size: int, count: int) -> float:
    """Median seconds of PyTorch's gradient."""
    import torch

    blocks = torch_blocks()
    photo, style = (
        torch.from_numpy(image.transpose(2, 0, 1)[None].copy()) for image in pictures(size)
    )
    objective = nst.PerceptualLoss()
    with torch.no_grad():
        content = torch_features(blocks, photo)[2]
        grams = [torch_gram(x) for x in torch_features(blocks, style)]
    pixels = photo.requires_grad_()

    def gradient():
        pixels.grad = None
        outputs = torch_features(blocks, pixels)
        loss = ((outputs[2] - content) ** 2).mean() / content.var()
        pairs = zip(outputs, grams, strict=True)
        style = sum(((torch_gram(x) - a) ** 2).sum() / (a**2).sum() for x, a in pairs) / len(grams)
        loss = loss + objective.style_weight * style
        loss = loss + objective.total_variation_weight * torch_variation(pixels)
        loss.backward()

    return nst.machine.measure(gradient, repeats=count, warmup=WARM_UP).median


def torch_blocks():
    """Kernels (out, in, 3, 3) and biases of the default extractor, block by block."""
    import torch

    arrays = iter(load_weights().values())
    return [
        [
            (torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()), torch.from_numpy(bias))
            for kernel, bias in (next(arrays) for _ in range(count))
        ]
        for count in COUNTS
    ]


def torch_features(blocks, image):
    """The last ReLU of each block."""
    import torch
    import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention

    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    x = (image - mean) / deviation
    outputs = []
    for i, block in enumerate(blocks):
        if i:
            x = F.avg_pool2d(x, 2)
        for kernel, bias in block:
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
        outputs.append(x)
    return outputs


def torch_gram(x):
    """(C, C) correlations of a (1, C, H, W) feature map."""
    rows = x.flatten(2)[0]
    return rows @ rows.T / x.numel()


def torch_variation(image):
    """Mean squared difference between neighbouring pixels."""
    down, right = image[..., 1:, :] - image[..., :-1, :], image[..., 1:] - image[..., :-1]
    return (down**2).mean() + (right**2).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="turns of each")
    arguments = parser.parse_args()
    loops = {"nstlib": nstlib_gradient, "nstlib loop": nstlib_loop, "PyTorch": torch_gradient}
    rows = []
    for size, count in SIZES.items():
        for repeat in range(arguments.repeats):
            for name, function in loops.items():
                seconds = nst.machine.in_fresh_process(function, size, count)
                rows.append({"size": size, "loop": name, "repeat": repeat, "seconds": seconds})
                print(rows[-1], flush=True)
                time.sleep(1)
    table = pd.DataFrame(rows)
    results = full_results()
    caption = "Median seconds of an evaluation of the gradient, each row a fresh process."
    results.table("benchmark_evals", table, caption=caption)
    wide = table.set_index(["size", "repeat", "loop"])["seconds"].unstack("loop")  # noqa: PD010
    ratios = wide.div(wide["PyTorch"], axis=0).add_suffix(", share of PyTorch")
    summary = wide.join(ratios).groupby("size").quantile([0.25, 0.5, 0.75])
    summary.index.names = ["size", "quantile"]
    results.table("benchmark_evals_summary", summary.reset_index(), caption=caption)
    print(np.round(summary, 3).to_string())


if __name__ == "__main__":
    main()
