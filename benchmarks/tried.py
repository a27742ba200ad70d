"""What was tried to make an evaluation faster, and SciPy's L-BFGS-B in place of nstlib's own.

    .venv/bin/python benchmarks/tried.py

`benchmark_tried`: seconds of the gradient and of a pass through a network as they are, in bfloat16 (where the processor
has it), compiled with XLA, and with an allocator that never hands memory back to the system (glibc's thresholds, set
before the process starts); in turns, each measurement in a fresh process.

`benchmark_optimizers`: total loss, judged in float32, and seconds after the same number of gradient evaluations from
the photo: nstlib's L-BFGS, the same in bfloat16, SciPy's with the same bounds, and SciPy's without bounds, whose result
is clipped, as a picture has to be, before it is judged.

`benchmark_bfloat16`: how far a network's picture in bfloat16 is from that in float32, for every wide network.
"""

import functools
import os
import time

import keras
import numpy as np
import pandas as pd
import scipy.optimize
import tensorflow as tf
from common import full_results

import nstlib as nst

SIZE = 256
TURNS, REPEATS = 5, 9
EVALS = 100
PAIRS = [("astronaut", "brush_flow"), ("chelsea", "linocut"), ("coffee", "cubist_planes")]
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)}


def compiled(function, bfloat16=False, **options):
    """The function as one graph."""
    if bfloat16:
        nst.use_bfloat16()
    return tf.function(function, **options)


def gradient_of(photo, style, **options):
    """The compiled gradient of the default objective and its value, a function of the images."""
    objective = nst.PerceptualLoss()
    targets = objective.content_targets(photo), objective.style_targets(style)

    def value_and_gradient(images):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            total = objective(images, *targets).total
        return total, tape.gradient(total, images)

    return compiled(value_and_gradient, **options)


def pictures(photo: str, style: str):
    """Batches of one, square."""
    images = nst.photo(photo, size=512), nst.style(style, size=512)
    return [tf.constant(nst.images.centre_crop(image, SIZE, SIZE)[None]) for image in images]


def seconds_of_gradient(**options) -> float:
    photo, style = pictures(*PAIRS[0])
    function = gradient_of(photo, style, **options)
    return nst.machine.measure(lambda: function(photo)[1].numpy(), repeats=REPEATS, warmup=2).median


def seconds_of_pass(**options) -> float:
    photo, _ = pictures(*PAIRS[0])
    model = nst.load_network(PAIRS[0][1]).model
    function = compiled(lambda images: model(images, training=False), **options)
    return nst.machine.measure(lambda: function(photo).numpy(), repeats=REPEATS, warmup=2).median


BFLOAT16 = {"bfloat16": ({"bfloat16": True}, {})} if nst.machine.has_bfloat16() else {}
VARIANTS = {
    "as it is": ({}, {}),
    **BFLOAT16,
    "XLA": ({"jit_compile": True}, {}),
    "memory kept": ({}, KEEP_MEMORY),
}
WORK = {"gradient": seconds_of_gradient, "network pass": seconds_of_pass}


def in_fresh_process(function, options: dict, environment: dict) -> float:
    os.environ.update(environment)
    try:
        return nst.machine.in_fresh_process(function, **options)
    finally:
        for name in environment:
            del os.environ[name]


def tried() -> pd.DataFrame:
    rows = []
    for turn in range(TURNS):
        for work, function in WORK.items():
            for variant, (options, environment) in VARIANTS.items():
                seconds = in_fresh_process(function, options, environment)
                rows.append({"work": work, "variant": variant, "turn": turn, "seconds": seconds})
                print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def by_scipy(photo, style, bounds) -> tuple[float, float]:
    """Total loss of the clipped result of SciPy's L-BFGS-B, and seconds."""
    function = gradient_of(photo, style)

    def flat(pixels):
        value, gradient = function(tf.constant(pixels.reshape(photo.shape), tf.float32))
        return float(value), gradient.numpy().ravel().astype(np.float64)

    start = photo.numpy().ravel().astype(np.float64)
    flat(start)  # traced before the clock starts
    clock = time.perf_counter()
    # maxfun is only looked at between two steps: one step may need a few evaluations more.
    options = {"maxfun": EVALS, "maxiter": EVALS, "ftol": 0, "gtol": 0}
    found = scipy.optimize.minimize(
        flat, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    seconds = (time.perf_counter() - clock) / found.nfev
    clipped = np.clip(found.x, 0, 1)
    return flat(clipped)[0], seconds


def by_nstlib(photo, style, run=None) -> tuple[float, float]:
    image, seconds = (run or optimized)(photo.numpy()[0], style.numpy()[0])
    return float(gradient_of(photo, style)(tf.constant(image[None]))[0]), seconds


def optimized(photo, style, bfloat16=False) -> tuple[np.ndarray, float]:
    """The picture, and median seconds of an evaluation."""
    if bfloat16:
        nst.use_bfloat16()
    options = {"steps": EVALS, "max_evals": EVALS, "scales": (1,), "init": "content"}
    found = nst.gatys(photo, style, **options, progress=False)
    each = nst.study.timing.seconds_per_evaluation(found.history).iloc[1:]
    return found.image, each.median()


def optimizers() -> pd.DataFrame:
    in_bfloat16 = functools.partial(
        by_nstlib, run=functools.partial(nst.machine.in_fresh_process, optimized, bfloat16=True)
    )
    ways = {
        "nstlib, in bounds": by_nstlib,
        **({"nstlib, in bounds, bfloat16": in_bfloat16} if BFLOAT16 else {}),
        "SciPy, in bounds": functools.partial(by_scipy, bounds=scipy.optimize.Bounds(0, 1)),
        "SciPy, clipped at the end": functools.partial(by_scipy, bounds=None),
    }
    rows = []
    for photo, style in PAIRS:
        for way, function in ways.items():
            total, seconds = function(*pictures(photo, style))
            row = {"photo": photo, "style": style, "optimizer": way, "evals": EVALS}
            rows.append(row | {"total": total, "seconds_per_eval": seconds})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def painted(name: str, bfloat16=False) -> list[np.ndarray]:
    """The photos of the study, by one network."""
    if bfloat16:
        nst.use_bfloat16()
    network = nst.load_network(name)
    return [network.stylize(nst.photo(photo, size=SIZE)) for photo in nst.photo_names()]


def differences() -> pd.DataFrame:
    """Of the pictures of every network in bfloat16 from those in float32."""
    rows = []
    for name in nst.network_names():
        rounded = nst.machine.in_fresh_process(painted, name, bfloat16=True)
        for photo, image, other in zip(nst.photo_names(), painted(name), rounded, strict=True):
            row = {"network": name, "photo": photo, "ssim": nst.metrics.ssim(image, other)}
            rows.append(row | {"mean_absolute_difference": np.abs(image - other).mean()})
    return pd.DataFrame(rows)


def main() -> None:
    keras.utils.set_random_seed(0)
    results = full_results()
    caption = (
        f"Median seconds, {SIZE} px square, {REPEATS} repeats a row, each row a fresh process."
    )
    results.table("benchmark_tried", tried(), caption=caption)
    caption = f"After {EVALS} gradient evaluations from the photo, {SIZE} px square."
    results.table("benchmark_optimizers", optimizers(), caption=caption)
    if BFLOAT16:
        caption = f"Pictures of the networks in bfloat16 beside those in float32, {SIZE} px."
        results.table("benchmark_bfloat16", differences(), caption=caption)


if __name__ == "__main__":
    main()
