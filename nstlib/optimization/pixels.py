"""Style transfer by optimising the pixels of one image (Gatys et al. 2016), on `tf.GradientTape`."""

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm.auto import tqdm

from nstlib.arguments import check_count, check_seed, check_shares
from nstlib.errors import ImageError, OptimizationError
from nstlib.images import MIN_SIDE, centre_crop, check_image, resize, transfer_colour
from nstlib.machine.memory import within_memory
from nstlib.machine.precision import float32, precision_in_use
from nstlib.objective.losses import weighted_mean
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization.lbfgs import minimize_in_box

INITS = ("content", "colour", "style", "noise")
_LARGE = 512  # px, the longer side from which beginning small pays (benchmarks/scales.py)
_SCALES = (0.25, 0.5, 1.0)  # of a large photo
_COARSE_STEPS = 10  # more take longer than they save (benchmarks/scales.py)
_ROUNDING = {"float32": 0.0, "bfloat16": 2**-7}  # of the total loss; float32's hides nothing
_NOISE = 0.1  # contrast of the initial noise, as a share of the range
_COLUMNS = ["step", "evals", "seconds", "total", "content", "style", "tv", "scale"]


@dataclass(frozen=True)
class GatysResult:
    """A stylized image and how it came about.

    Attributes:
        image: the stylized image with the lowest total loss seen, float32 `(H, W, 3)` in [0, 1].
        history: one row a step, before them one for the initial image, at each scale: step, evals (gradient evaluations
            so far), seconds (since the start, targets and tracing included), total, content, style, tv, and scale, the
            size of the image as a share of the photo's. Losses of different scales do not compare.
        snapshots: the image at each budget of evals that was asked for: what `max_evals` of that many would have given.
    """

    image: np.ndarray
    history: pd.DataFrame
    snapshots: Mapping[int, np.ndarray] = field(default_factory=dict)


def gatys(
    photo: np.ndarray,
    style: np.ndarray | Sequence[np.ndarray],
    *,
    style_shares: Sequence[float] | None = None,
    steps: int = 100,
    max_evals: int | None = None,
    objective: PerceptualLoss | None = None,
    optimizer: str | keras.optimizers.Optimizer = "lbfgs",
    init: str | np.ndarray = "colour",
    scales: Sequence[float] | None = None,
    seed: int = 0,
    snapshots: Sequence[int] = (),
    on_step: Callable[[Mapping[str, float]], bool | None] | None = None,
    progress: bool = True,
) -> GatysResult:
    """Finds the image that minimises the objective, starting from `init` and moving its pixels.

    Args:
        photo: the content image, `(H, W, 3)`; the result has its size.
        style: the style image, of any size; or a list of several, whose statistics are mixed
            (`nstlib.objective.losses.weighted_mean`).
        style_shares: how much of each of several styles: positive numbers, which are divided by their sum. None is
            equal shares.
        steps: updates of the pixels, at least 1; at each scale below the full one at most 10.
        max_evals: end a scale also after this many gradient evaluations (L-BFGS needs one or more a step).
        objective: what to minimise: layers, weights α and β, pooling, extractor; None is `PerceptualLoss()`.
        optimizer: `"lbfgs"` (every pixel held in [0, 1], see `nstlib.optimization.lbfgs`), or a Keras optimizer by name
            (`"adam"` with a rate of 0.02) or instance; those clip to [0, 1] after each step.
        init: `"colour"` (the photo with the colours of the style, `nstlib.transfer_colour`: half the evaluations of
            `"content"` to the same loss while there are few), `"content"` (the photo itself), `"style"` (fitted to the
            photo), `"noise"` (mid-grey with faint uniform noise, which leaves less grain in the result than full
            contrast), or an image of the photo's size. Of several styles `"colour"` and `"style"` take the weighted
            mean.
        scales: sizes of photo and style to optimise at, one after the other, as shares of their full size that rise
            to 1: coarse to fine. Each scale starts from the result of the one before; the last minimises what a run
            with `scales=(1,)` does. None is (0.25, 0.5, 1) for a photo whose longer side has 512 px or more, as far as
            photo and style stay large enough, else (1,).
        seed: of the noise.
        snapshots: numbers of gradient evaluations at full size at which to keep the image.
        on_step: called after every step with a row of the history; returning True ends the optimisation.
        progress: show a progress bar.

    Returns:
        The best image, the history of the run, and the snapshots asked for.

    Raises:
        OptimizationError: the loss, a pixel or a derivative became infinite or not a number; Keras runs on another
            backend than TensorFlow.
        ImageError: not an image, or a photo too large for the memory, found before the work or in the midst of it.
        ValueError: bad arguments.
    """
    _check_backend()
    photo = check_image(photo, "photo")
    styles = _check_styles(style)
    shares = check_shares(style_shares, "style_shares", count=len(styles))
    snapshots = _as_numbers(snapshots)
    _check_counts(steps, max_evals, snapshots)
    check_seed(seed)
    scales = (
        _default_scales(photo, styles) if scales is None else _check_scales(scales, photo, styles)
    )
    objective = objective or PerceptualLoss()
    start = _initial(init, photo, styles, shares, seed)

    plan = {scale: steps if scale == 1 else min(steps, _COARSE_STEPS) for scale in scales}
    work = tqdm(total=sum(plan.values()), unit="step", disable=not progress)
    with within_memory(*photo.shape[:2], method="gatys"), work as bar:
        history = _History(_reporter(bar, on_step))
        for scale, count in plan.items():
            small_photo = _scaled(photo, scale)
            target = _style_target(objective, [_scaled(each, scale) for each in styles], shares)
            kept = snapshots if scale == 1 else ()
            history.begin(scale)
            run = _Run(objective, small_photo, target, max_evals, kept, history)
            start = _best(run, resize(start, small_photo.shape[:2]), count, optimizer)
            if history.ended:
                break
    image = resize(start, photo.shape[:2])
    kept = {count: run.snapshots.get(count, image) for count in snapshots}
    return GatysResult(image, pd.DataFrame(history.rows, columns=_COLUMNS), kept)


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise OptimizationError(
            f"KERAS_BACKEND: pixels are optimised on tensorflow alone, and Keras runs on {backend}, where networks "
            "paint and train; accepted: a process in which it is tensorflow"
        )


def _check_styles(style) -> list[np.ndarray]:
    if not isinstance(style, list | tuple):
        return [check_image(style, "style")]
    if not style:
        raise ValueError("style: the list is empty; accepted: an image, or a list of images")
    return [check_image(each, f"style[{i}]") for i, each in enumerate(style)]


def _as_numbers(snapshots) -> tuple:
    if not isinstance(snapshots, Iterable):
        raise ValueError(f"snapshots: {snapshots!r} is not a sequence of whole numbers")
    return tuple(snapshots)


def _check_counts(steps, max_evals, snapshots) -> None:
    budgets = [("steps", steps), *(("snapshots", count) for count in snapshots)]
    for argument, value in budgets + ([] if max_evals is None else [("max_evals", max_evals)]):
        check_count(value, argument, least=1)


def _reporter(bar: tqdm, on_step):
    """What tells the bar and the caller of a row; True ends the optimisation."""

    def report(row) -> bool:
        bar.update()
        bar.set_postfix(evals=row["evals"], total=f"{row['total']:.3f}")
        return bool(on_step and on_step(row))

    return report


def _best(run: "_Run", start: np.ndarray, steps: int, optimizer) -> np.ndarray:
    """The best image of one scale, from `start`."""
    with contextlib.suppress(_Stop):
        if optimizer == "lbfgs":
            search = {"on_step": run.record}
            rounding = _ROUNDING[precision_in_use()]
            taken = minimize_in_box(run.evaluate, start, steps=steps, rounding=rounding, **search)
            if 0 < taken < steps and precision_in_use() == "bfloat16":
                # So near to a minimum that the rounding hides the way down: float32 still sees it.
                with float32():
                    minimize_in_box(run.evaluate, run.best_image, steps=steps - taken, **search)
        else:
            _descend(run, start, steps, _keras_optimizer(optimizer))
    return run.best_image


def _style_target(objective: PerceptualLoss, styles, shares) -> Mapping[str, Any]:
    targets = [objective.style_targets(tf.constant(style[None])) for style in styles]
    return weighted_mean(targets, shares)


class _Stop(Exception):  # noqa: N818 - a signal like StopIteration, not an error
    """The caller, or the budget of evaluations, ends the run."""


class _History:
    """One row a step over all scales, and `report`, which is told of each and may end the optimisation."""

    def __init__(self, report):
        self.clock, self.report = time.perf_counter(), report
        self.rows, self.ended = [], False

    def begin(self, scale: float):
        last = self.rows[-1] if self.rows else {"step": 0, "evals": 0}
        self.scale, self.step, self.evals_before = scale, last["step"] - 1, last["evals"]
        self.initial = True

    def add(self, evals: int, terms: Mapping[str, float]):
        self.step += 1
        row = {"step": self.step, "evals": self.evals_before + evals}
        row |= {"seconds": time.perf_counter() - self.clock, **terms, "scale": self.scale}
        self.rows.append(row)
        if not self.initial and self.report(row):
            self.ended = True
            raise _Stop
        self.initial = False


class _Run:
    """The optimisation at one scale: evaluates the objective, counts, keeps the best image."""

    def __init__(self, objective, photo, style_targets, max_evals, snapshots, history):
        self.objective, self.max_evals, self.history = objective, max_evals, history
        self.content_targets = objective.content_targets(tf.constant(photo[None]))
        self.style_targets = style_targets
        self.gradient = _compiled(objective)
        self.evals, self.terms = 0, {}
        self.wanted, self.snapshots = frozenset(snapshots), {}
        self.best_total, self.best_image = math.inf, None

    def evaluate(self, image: np.ndarray):
        """Total loss and its gradient `(H, W, 3)` at `image`."""
        if self.evals in self.wanted:
            self.snapshots[self.evals] = self.best_image.copy()
        if self.evals == self.max_evals:
            raise _Stop
        terms, gradient = self.gradient(
            tf.constant(image[None]), self.content_targets, self.style_targets
        )
        self.evals += 1
        self.terms = {name: float(value) for name, value in terms._asdict().items()}
        total, gradient = self.terms["total"], gradient.numpy()[0]
        # Pixels and gradient too: a ReLU of TensorFlow may turn a NaN into 0 on the way to the losses.
        if not all(np.isfinite(each).all() for each in (total, image, gradient)):
            raise OptimizationError(
                f"the loss, the image or the gradient is not finite after {self.evals} evaluations "
                f"({', '.join(f'{k} {v:.3g}' for k, v in self.terms.items())}): a smaller learning rate, or weights "
                "below those of the objective used, may help"
            )
        self.image = image
        if self.evals == 1:
            self.record()
        return total, gradient

    def record(self):
        """Adds the image evaluated last to the history, as the outcome of one step."""
        if self.terms["total"] < self.best_total:
            self.best_total, self.best_image = self.terms["total"], self.image
        self.history.add(self.evals, self.terms)


@lru_cache(maxsize=8)
def _compiled(objective: PerceptualLoss):
    """Objective and gradient to the pixels as one graph; equal settings share it, so that a size is traced once."""

    @tf.function(reduce_retracing=True)
    def value_and_gradient(images, content_targets, style_targets):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            terms = objective(images, content_targets, style_targets)
        return terms, tape.gradient(terms.total, images)

    return value_and_gradient


def _descend(
    run: _Run, start: np.ndarray, steps: int, optimizer: keras.optimizers.Optimizer
) -> None:
    pixels = keras.Variable(start)
    _, gradient = run.evaluate(start)
    for _ in range(steps):
        optimizer.apply([gradient], [pixels])
        pixels.assign(keras.ops.clip(pixels, 0.0, 1.0))
        _, gradient = run.evaluate(keras.ops.convert_to_numpy(pixels))
        run.record()


def _keras_optimizer(optimizer) -> keras.optimizers.Optimizer:
    if isinstance(optimizer, keras.optimizers.Optimizer):
        # A fresh copy: an instance remembers the shape and the moments of its last image.
        return type(optimizer).from_config(optimizer.get_config())
    if optimizer == "adam":
        return keras.optimizers.Adam(0.02)
    try:
        if not isinstance(optimizer, str):  # get() hands None through
            raise TypeError
        return keras.optimizers.get(optimizer)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"optimizer: {optimizer!r} is neither 'lbfgs' nor the name or an instance of a Keras optimizer"
        ) from error


def _default_scales(photo: np.ndarray, styles: Sequence[np.ndarray]) -> list[float]:
    scales = _SCALES if max(photo.shape) >= _LARGE else (1.0,)
    least = min(min(image.shape[:2]) for image in (photo, *styles))
    return [scale for scale in scales if scale == 1 or round(scale * least) >= MIN_SIDE]


def _check_scales(scales, photo: np.ndarray, styles: Sequence[np.ndarray]) -> list[float]:
    try:
        values = [float(scale) for scale in scales]
    except (TypeError, ValueError):
        values = []
    if not values or not values[0] > 0 or values[-1] != 1 or values != sorted(set(values)):
        raise ValueError(f"scales: {scales!r} are not shares of the size that rise to 1")
    for name, image in (("photo", photo), *(("style", style) for style in styles)):
        side = min(image.shape[:2])
        if round(values[0] * side) < MIN_SIDE:
            raise ValueError(
                f"scales: {values[0]} of the {name}'s {side} px is less than {MIN_SIDE} px"
            )
    return values


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    return resize(image, tuple(round(scale * side) for side in image.shape[:2]))


def _initial(init, photo: np.ndarray, styles, shares, seed: int) -> np.ndarray:
    if isinstance(init, str):
        if init not in INITS:
            raise ValueError(f"init: {init!r} is not one of {', '.join(INITS)}, nor an image")
        if init == "content":
            return photo
        if init == "colour":
            return weighted_mean([transfer_colour(photo, style) for style in styles], shares)
        if init == "style":
            return weighted_mean([centre_crop(style, *photo.shape[:2]) for style in styles], shares)
        noise = np.random.default_rng(seed).random(photo.shape, dtype=np.float32)
        return 0.5 + _NOISE * (noise - 0.5)
    image = check_image(init, "init")
    if image.shape != photo.shape:
        raise ImageError(f"init: its shape {image.shape} is not that of the photo, {photo.shape}")
    return image
