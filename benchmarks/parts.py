"""Where the time of an evaluation goes, against the rate at which this machine multiplies matrices.

    .venv/bin/python benchmarks/parts.py

Times the loss, the loss with its gradient, and the whole evaluation inside `nst.gatys`, and computes
the floating point operations of the convolutions (one multiplication and one addition a weight; the gradient
to the pixels costs as many again as the way forward, that to the weights is not needed). The rate of the machine is
that of TensorFlow's product of two 4096 x 4096 matrices in single precision. Writes results/tables/benchmark_parts.csv.
"""

import numpy as np
import pandas as pd
import tensorflow as tf
from common import full_results

import nstlib as nst
from nstlib.data import STYLE_SIZE

SIZES = (256, 512, 1024)
REPEATS = 7
SIDE = 4096  # of the matrices
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512))  # convolutions and channels of each, up to relu4_3


def convolution_flop(size: int) -> float:
    """Of one pass of a square image through the VGG-16 up to relu4_3."""
    flop, depth, pixels = 0.0, 3, size**2
    for count, channels in BLOCKS:
        for _ in range(count):
            flop += 2 * 9 * depth * channels * pixels
            depth = channels
        pixels /= 4
    return flop


def row(part: str, size: int, flop: float, seconds, rate: float | None) -> dict:
    low, median, high = np.percentile(seconds, [25, 50, 75])
    share = flop / median / rate if rate else 1.0
    return {
        "part": part,
        "size": size,
        "seconds": median,
        "low": low,
        "high": high,
        "gflop": flop / 1e9,
        "gflop_per_second": flop / 1e9 / median,
        "share_of_product": share,
        "repeats": len(seconds),
    }


def main() -> None:
    matrix = tf.random.normal((SIDE, SIDE))
    flop = 2.0 * SIDE**3
    seconds = nst.machine.measure(lambda: (matrix @ matrix).numpy(), repeats=REPEATS).seconds
    rows = [row("product of matrices", SIDE, flop, seconds, None)]
    rate = flop / np.median(seconds)
    for size in SIZES:
        photo = tf.constant(nst.images.centre_crop(nst.photo("astronaut"), size, size)[None])
        style = nst.style("brush_flow", size=STYLE_SIZE)
        objective = nst.PerceptualLoss()
        targets = objective.content_targets(photo), objective.style_targets(style[None])

        @tf.function
        def loss(image, objective=objective, targets=targets):
            return objective(image, *targets).total

        @tf.function
        def gradient(image, objective=objective, targets=targets):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(image)
                total = objective(image, *targets).total
            return tape.gradient(total, image)

        forward = convolution_flop(size)
        for part, function, share in (("loss", loss, 1), ("loss and gradient", gradient, 2)):
            timing = nst.machine.measure(lambda f=function, p=photo: f(p).numpy(), repeats=REPEATS)
            rows.append(row(part, size, share * forward, timing.seconds, rate))
        history = nst.gatys(
            photo.numpy()[0], style, steps=REPEATS + 2, scales=(1,), progress=False
        ).history
        each = nst.study.timing.seconds_per_evaluation(history).iloc[2:]
        rows.append(row("evaluation in nst.gatys", size, 2 * forward, each, rate))
    results = full_results(seed=None)
    table = pd.DataFrame(rows)
    caption = f"Parts of an evaluation against a product of {SIDE} x {SIDE} matrices."
    results.table("benchmark_parts", table, caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
