"""Seconds for one evaluation of the gradient, beside a plain PyTorch loop over the same VGG-16.

    .venv/bin/python -m pip install '.[bench]'  # PyTorch
    .venv/bin/python benchmarks/gradient.py

Both compute the default objective (torch_vgg.py), and both on all cores. They take turns, each measurement in a fresh
process. `nstlib loop` is what an evaluation takes inside `nst.gatys`, where L-BFGS has its share too. Writes
results/tables/benchmark_gradient.csv and benchmark_gradient_summary.csv.
"""

import argparse
import time

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst

SIZES = {256: 20, 512: 8, 1024: 4}  # evaluations that count in each measurement
WARM_UP = 2


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
    steps = count + WARM_UP - 1  # the first step takes one evaluation more
    history = nst.gatys(photo, style, steps=steps, scales=(1,), progress=False).history
    seconds = nst.study.timing.seconds_per_evaluation(history)
    return float(seconds.iloc[WARM_UP:].median())


def torch_gradient(size: int, count: int) -> float:
    """Median seconds of PyTorch's gradient."""
    from torch_vgg import tensor, total_loss

    photo, style = pictures(size)
    total, pixels = total_loss(photo, style), tensor(photo).requires_grad_()

    def gradient():
        pixels.grad = None
        total(pixels).backward()

    return nst.machine.measure(gradient, repeats=count, warmup=WARM_UP).median


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
    results.table("benchmark_gradient", table, caption=caption)
    wide = table.set_index(["size", "repeat", "loop"])["seconds"].unstack("loop")  # noqa: PD010
    ratios = wide.div(wide["PyTorch"], axis=0).add_suffix(", share of PyTorch")
    summary = wide.join(ratios).groupby("size").quantile([0.25, 0.5, 0.75])
    summary.index.names = ["size", "quantile"]
    results.table("benchmark_gradient_summary", summary.reset_index(), caption=caption)
    print(np.round(summary, 3).to_string())


if __name__ == "__main__":
    main()
