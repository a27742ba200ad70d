"""Seconds for one evaluation of the gradient, beside PyTorch over the same VGG-16: a plain loop, and its best.

    .venv/bin/python -m pip install '.[bench]'  # PyTorch
    .venv/bin/python benchmarks/gradient.py

All compute the default objective (torch_vgg.py) on all cores. The best of PyTorch is `torch.compile` over channels that
lie last in memory, for which it needs a C++ compiler; in bfloat16 that under `torch.autocast`. All take turns, each
measurement in a fresh process. `nstlib loop` is what an evaluation takes inside `nst.gatys`, where L-BFGS has its share
too. Writes results/tables/benchmark_gradient.csv and benchmark_gradient_summary.csv: seconds, and those of ours as a
share of PyTorch's in the same turn.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst

COUNT = 5  # evaluations that count in each measurement
WARM_UP = 2
PLAIN, BEST, BEST_BFLOAT16 = "PyTorch", "PyTorch compiled", "PyTorch compiled bfloat16"
OURS, OURS_BFLOAT16, LOOP = "nstlib", "nstlib bfloat16", "nstlib loop"
SHARES = [(OURS, PLAIN), (LOOP, PLAIN), (OURS, BEST), (OURS_BFLOAT16, BEST_BFLOAT16)]


def pictures(size: int):
    """A photo and a style image, square."""
    photo = nst.images.centre_crop(nst.photo("astronaut"), size, size)
    return photo, nst.images.centre_crop(nst.style("brush_flow"), size, size)


def nstlib_gradient(size: int, bfloat16: bool = False) -> float:
    """Median seconds of the compiled gradient alone."""
    import tensorflow as tf

    nst.use_bfloat16(bfloat16)
    photo, style = (tf.constant(image[None]) for image in pictures(size))
    objective = nst.PerceptualLoss()
    targets = objective.content_targets(photo), objective.style_targets(style)

    @tf.function
    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = objective(images, *targets).total
        return tape.gradient(total, images)

    return median_seconds(lambda: gradient(photo).numpy())


def nstlib_loop(size: int) -> float:
    """Median seconds of an evaluation inside the optimisation."""
    from nstlib.study.timing import seconds_per_evaluation  # loads TensorFlow

    photo, style = pictures(size)
    steps = COUNT + WARM_UP - 1  # the first step takes one evaluation more
    history = nst.gatys(photo, style, steps=steps, scales=(1,), progress=False).history
    seconds = seconds_per_evaluation(history)
    return float(seconds.iloc[WARM_UP:].median())


def torch_gradient(size: int) -> float:
    """Median seconds of PyTorch's gradient."""
    from torch_vgg import tensor, total_loss

    photo, style = pictures(size)
    return torch_seconds(total_loss(photo, style), tensor(photo))


def torch_compiled_gradient(size: int, bfloat16: bool = False) -> float:
    """Median seconds of PyTorch's gradient at its best."""
    import torch
    from torch_vgg import tensor, total_loss

    photo, style = pictures(size)
    total = torch.compile(total_loss(photo, style))
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        return torch_seconds(total, tensor(photo).to(memory_format=torch.channels_last))


def torch_seconds(total: Callable, pixels) -> float:
    """Median seconds of the gradient of a loss to pixels `(1, 3, H, W)`."""
    pixels.requires_grad_()

    def gradient():
        pixels.grad = None
        total(pixels).backward()

    return median_seconds(gradient)


def median_seconds(gradient: Callable[[], object]) -> float:
    """Median seconds of a call."""
    return nst.machine.measure(gradient, repeats=COUNT, warmup=WARM_UP).median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="turns of each")
    parser.add_argument("--size", type=int, default=512, help="side in px")
    arguments = parser.parse_args()
    loops = {
        OURS: nstlib_gradient,
        LOOP: nstlib_loop,
        PLAIN: torch_gradient,
        BEST: torch_compiled_gradient,
    }
    if nst.machine.has_bfloat16():
        loops |= {
            OURS_BFLOAT16: partial(nstlib_gradient, bfloat16=True),
            BEST_BFLOAT16: partial(torch_compiled_gradient, bfloat16=True),
        }
    rows = []
    for repeat in range(arguments.repeats):
        for name, function in loops.items():
            seconds = nst.machine.in_fresh_process(function, arguments.size)
            rows.append(
                {"size": arguments.size, "loop": name, "repeat": repeat, "seconds": seconds}
            )
            print(rows[-1], flush=True)
            time.sleep(1)
    table = pd.DataFrame(rows)
    results = full_results()
    caption = (
        f"Median seconds of {COUNT} evaluations of the gradient, a square photo; "
        "each row a fresh process."
    )
    results.table("benchmark_gradient", table, caption=caption)
    turns = table.set_index(["size", "repeat", "loop"])["seconds"].unstack("loop")  # noqa: PD010
    pairs = [pair for pair in SHARES if set(pair) <= set(turns)]
    shares = {f"{ours}, share of {theirs}": turns[ours] / turns[theirs] for ours, theirs in pairs}
    summary = turns.assign(**shares).groupby("size").quantile([0.25, 0.5, 0.75])
    summary.index.names = ["size", "quantile"]
    results.table("benchmark_gradient_summary", summary.reset_index(), caption=caption)
    print(np.round(summary, 3).T.to_string())


if __name__ == "__main__":
    main()
