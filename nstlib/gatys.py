"""Style transfer by optimising the pixels of one image (Gatys et al. 2016), on `tf.GradientTape`."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.optimize import minimize
from tqdm.auto import tqdm

from nstlib.images import ImageError, check_image, fit
from nstlib.perceptual import PerceptualLoss

INITS = ("content", "style", "noise")
_NOISE = 0.1  # contrast of the initial noise, as a share of the range
_COLUMNS = ["step", "evals", "seconds", "total", "content", "style", "tv"]


class OptimizationError(RuntimeError):
    """An optimisation whose loss stopped being a number."""


@dataclass(frozen=True)
class GatysResult:
    """A stylized image and how it came about.

    Attributes:
        image: the stylized image with the lowest total loss seen, float32 `(H, W, 3)` in [0, 1].
        history: one row a step, the first for the initial image: step, evals (gradient evaluations so far), seconds
            (since the start, targets and tracing included), total, content, style, tv.
        snapshots: the image at each budget of evals that was asked for: what `max_evals` of that many would have given.
    """

    image: np.ndarray
    history: pd.DataFrame
    snapshots: Mapping[int, np.ndarray] = field(default_factory=dict)


def gatys(
    photo: np.ndarray,
    style: np.ndarray,
    *,
    steps: int = 100,
    max_evals: int | None = None,
    objective: PerceptualLoss | None = None,
    optimizer: str | keras.optimizers.Optimizer = "lbfgs",
    init: str | np.ndarray = "content",
    seed: int = 0,
    snapshots: Sequence[int] = (),
    on_step: Callable[[Mapping[str, float]], bool | None] | None = None,
    progress: bool = True,
) -> GatysResult:
    """Finds the image that minimises the objective, starting from `init` and moving its pixels.

    Args:
        photo: the content image, `(H, W, 3)`; the result has its size.
        style: the style image, of any size.
        steps: updates of the pixels, at least 1.
        max_evals: stop also after this many gradient evaluations (L-BFGS needs one or more a step).
        objective: what to minimise: layers, weights α and β, pooling, extractor; None is `PerceptualLoss()`.
        optimizer: `"lbfgs"` (SciPy's L-BFGS-B with every pixel held in [0, 1]), or a Keras optimizer by name
            (`"adam"` with a rate of 0.02) or instance; those clip to [0, 1] after each step.
        init: `"content"`, `"style"` (fitted to the photo), `"noise"` (mid-grey with faint uniform noise, which leaves
            less grain in the result than full contrast), or an image of the photo's size.
        seed: of the noise.
        snapshots: numbers of gradient evaluations at which to keep the image.
        on_step: called after every step with a row of the history; returning True ends the optimisation.
        progress: show a progress bar.

    Raises:
        OptimizationError: the loss became infinite or not a number.
        ImageError, ValueError: bad arguments.
    """
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    budgets = [("steps", steps), *(("snapshots", count) for count in snapshots)]
    for argument, value in budgets + ([] if max_evals is None else [("max_evals", max_evals)]):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{argument}: {value!r} is not a whole number of at least 1")
    start = _initial(init, photo, style, seed)
    objective = objective or PerceptualLoss()

    with tqdm(total=steps, unit="step", disable=not progress) as bar:

        def report(row):
            bar.update(row["step"] - bar.n)
            bar.set_postfix(evals=row["evals"], total=f"{row['total']:.3f}")
            return bool(on_step and row["step"] and on_step(row))

        run = _Run(objective, photo, style, max_evals, snapshots, report)
        try:
            if optimizer == "lbfgs":
                _lbfgs(run, start, steps)
            else:
                _descend(run, start, steps, _keras_optimizer(optimizer))
        except _Stop:
            pass
    image = run.best_image.copy()
    kept = {count: run.snapshots.get(count, image) for count in snapshots}
    return GatysResult(image, pd.DataFrame(run.rows, columns=_COLUMNS), kept)


class _Stop(Exception):  # noqa: N818 - a signal like StopIteration, not an error
    """The caller, or the budget of evaluations, ends the run."""


class _Run:
    """One optimisation: evaluates the objective, counts, keeps the history and the best image."""

    def __init__(self, objective, photo, style, max_evals, snapshots, report):
        self.clock = time.perf_counter()
        self.objective, self.max_evals, self.report = objective, max_evals, report
        self.content_targets = objective.content_targets(tf.constant(photo[None]))
        self.style_targets = objective.style_targets(tf.constant(style[None]))
        self.gradient = _compiled(objective)
        self.rows, self.evals, self.terms = [], 0, {}
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
        total = self.terms["total"]
        if not math.isfinite(total):
            raise OptimizationError(
                f"the loss is not finite after {self.evals} evaluations "
                f"({', '.join(f'{k} {v:.3g}' for k, v in self.terms.items())}): a smaller learning rate, or weights "
                "below those of the objective used, may help"
            )
        self.image = image
        if not self.rows:
            self.record()
        return total, gradient.numpy()[0]

    def record(self):
        """Adds the image evaluated last to the history, as the outcome of one step."""
        if self.terms["total"] < self.best_total:
            self.best_total, self.best_image = self.terms["total"], self.image
        seconds = time.perf_counter() - self.clock
        row = {"step": len(self.rows), "evals": self.evals, "seconds": seconds, **self.terms}
        self.rows.append(row)
        if self.report(row):
            raise _Stop


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


def _lbfgs(run: _Run, start: np.ndarray, steps: int) -> None:
    shape = start.shape

    def value_and_gradient(pixels):
        total, gradient = run.evaluate(pixels.reshape(shape).astype(np.float32))
        return total, gradient.astype(np.float64).ravel()

    minimize(
        value_and_gradient,
        start.astype(np.float64).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * start.size,
        callback=lambda _: run.record(),
        # The steps end the run: a gradient per pixel is tiny, and SciPy's tolerances would stop at once.
        options={"maxiter": steps, "maxfun": 100 * steps, "ftol": 0.0, "gtol": 0.0},
    )


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


def _initial(init, photo: np.ndarray, style: np.ndarray, seed: int) -> np.ndarray:
    if isinstance(init, str):
        if init not in INITS:
            raise ValueError(f"init: {init!r} is not one of {', '.join(INITS)}, nor an image")
        if init == "content":
            return photo
        if init == "style":
            return fit(style, *photo.shape[:2])
        noise = np.random.default_rng(seed).random(photo.shape, dtype=np.float32)
        return 0.5 + _NOISE * (noise - 0.5)
    image = check_image(init, "init")
    if image.shape != photo.shape:
        raise ImageError(f"init: its shape {image.shape} is not that of the photo, {photo.shape}")
    return image
