"""Training of an image transformation network for one style (Johnson et al. 2016, sec. 3), on any Keras backend."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm.auto import tqdm

from nstlib.errors import TrainingError
from nstlib.images import check_image
from nstlib.johnson.checkpoint import Checkpoint
from nstlib.johnson.crops import Crops, identity, training_photos
from nstlib.johnson.network import Network, load_network, needs_jit, new_network
from nstlib.johnson.peak_penalty import mean_peak_energy, observed
from nstlib.johnson.schedule import Schedule
from nstlib.machine.measuring import describe_machine, package_version
from nstlib.machine.precision import precision_in_use
from nstlib.objective.perceptual import PerceptualLoss

FIRST = "starry_night"  # the style that every other training starts from
_TERMS = ("total", "content", "style", "tv")
_COLUMNS = ["step", "seconds", *_TERMS]
_EVERY = 200  # steps between two saved states
_EMA_MOMENTUM = 0.995
_CLIP_NORM = 1.0
_RISE = 200  # steps until the rate is at its peak
PENALTIES = {"range": 10.0, "peaks": 10.0}  # weights of what is added to the objective
_VARIANCE_CROPS = 24


@dataclass(frozen=True)
class TrainingResult:
    """A trained network and how it got there.

    Attributes:
        network: the network, its card filled in but for the style's name and licence: `network.labelled(...)`.
        history: one row a step: step (from 1), seconds (since the start, time between resumptions left out), total,
            content, style, tv: the objective on that step's batch.
    """

    network: Network
    history: pd.DataFrame


def training_objective(style_weight: float = 5.0) -> PerceptualLoss:
    """What `train` minimises unless told otherwise, and what the shipped networks were trained on.

    Args:
        style_weight: β, at least 0; the card of a shipped network says which it had.

    Raises:
        ValueError: a weight that is none.
    """
    return PerceptualLoss(style_weight=style_weight, total_variation_weight=0.1)


def train(
    style: np.ndarray,
    photos: Sequence[np.ndarray] | str | Path | None = None,
    *,
    schedule: Schedule | None = None,
    objective: PerceptualLoss | None = None,
    start: Network | None = None,
    checkpoint: str | Path | None = None,
    on_step: Callable[[Mapping[str, float]], bool | None] | None = None,
    progress: bool = True,
) -> TrainingResult:
    """Trains a network to give any photo the look of one style image.

    Adam, its rate rising over the first 200 steps and then decaying as a cosine, and an average of the weights over the
    last tenth of the steps, at most a few hundred (EMA). Under `keras.distribution.DataParallel` (on JAX) each batch is
    split over the devices; losses and weights are those of one device within rounding, and a checkpoint goes on with
    another number of devices. The objective sees the output clipped to [0, 1], as it will be
    shown; values beyond that range cost 10 times their mean square on top, and peaks of the feature maps inside
    (`nstlib.johnson.peak_penalty`) 10 times their mean energy.

    Args:
        style: the style image, `(H, W, 3)`.
        photos: images to train on: a folder, or a sequence of images; None takes the photos of `nstlib.data`, each in
            18 tones. Large photos of a folder are shrunk once, to three times the crops on the shorter side.
        schedule: steps, crops and rate; None is `Schedule()`.
        objective: what to minimise; None is `training_objective()`.
        start: the network to start from; None is the shipped one of The Starry Night, which knows how to paint: another
            style arrives in a few hundred steps. From `nstlib.johnson.network.trunk()`, which redraws its input, or
            from `train_identity(...)` for another architecture, it takes thousands; from random weights, more.
        checkpoint: a folder to keep the state in, every 200 steps. When it already holds the state of a run with the
            same arguments, training goes on from there and ends as if it had never stopped. With more steps than that
            run was to have, it goes on by the longer schedule, its rate rising to where that has it. The network is
            then not the one that so many steps from the start would give; its card says so (`extensions`).
        on_step: called after every step with a row of the history; returning True ends training early.
        progress: show a progress bar.

    Raises:
        TrainingError: before the first step, a folder that cannot be written, has no room for the old state beside a
            new one, or holds another run; later, a loss or weights that are not finite (the last saved state is kept).
        DataError: a folder without usable photos.
        ImageError, ValueError: bad arguments; a batch that cannot be split over the devices.
    """
    schedule, objective = schedule or Schedule(), objective or training_objective()
    _check_devices(schedule.batch_size)
    start = start or load_network(FIRST)
    style = check_image(style, "style")
    images = training_photos(photos, schedule.size)

    keras.utils.set_random_seed(schedule.seed)
    network = new_network(**asdict(start.architecture))
    network.model.set_weights(start.model.get_weights())
    sample = list(Crops(images, replace(schedule, steps=_VARIANCE_CROPS, small_share=0)))
    trainer = _trainer(network, objective, style, sample, schedule)

    recipe = _recipe(schedule, objective, start, style, images)
    store = None
    if checkpoint is not None:
        run = recipe | {
            "style_fingerprint": _fingerprint([style]),
            "photos_fingerprint": _fingerprint([*sample, *identity(images)]),
        }
        store = Checkpoint(checkpoint, run, _COLUMNS, growing="steps")
    history = store.restore(trainer) if store else []
    if len(history) < schedule.steps:
        _run(trainer, Crops(images, schedule), history, store, on_step, progress)
    frame = pd.DataFrame(history, columns=_COLUMNS)
    if store and store.extensions:
        recipe["extensions"] = store.extensions
    trained = Network(network.model, network.architecture, recipe | _outcome(frame))
    trained = trained.labelled("unnamed")
    return TrainingResult(trained, frame)


def _check_devices(batch_size: int) -> None:
    """Refuses a batch that cannot be split over the devices of `keras.distribution.DataParallel`."""
    distribution = keras.distribution.distribution()
    devices = distribution.num_model_replicas if distribution else 1
    if batch_size % devices:
        raise ValueError(
            f"batch_size: {batch_size} cannot be split over {devices} devices; accepted: a multiple of {devices}"
        )


def _recipe(schedule, objective, start, style, images) -> dict[str, Any]:
    """What makes a run what it is, but for the pixels; on the card of the network, and of its checkpoint."""
    return {
        **asdict(schedule),
        "objective": objective.settings(),
        "penalties": dict(PENALTIES),
        "architecture": asdict(start.architecture),
        "style_size": max(style.shape[:2]),
        "photos": len(images),
        "start": start.card.get("style", "random"),
        "start_fingerprint": start.fingerprint,
        "backend": keras.backend.backend(),
        "precision": precision_in_use(),
    }


def _outcome(history: pd.DataFrame) -> dict[str, Any]:
    """What a card says of the end of a run."""
    last = history.tail(max(1, min(100, len(history) // 10)))
    return {
        "steps": len(history),
        "seconds": round(float(history["seconds"].iloc[-1]), 1),
        "final_losses": {term: round(float(last[term].mean()), 5) for term in _TERMS},
        "nstlib": package_version("nst-study"),
        "keras": keras.__version__,
        "machine": describe_machine(),
    }


def _trainer(network, objective, style, sample, schedule) -> keras.Model:
    """The network with objective and optimizer, its variables made."""
    trainer = _Trainer(network.model, objective, style, _content_variances(objective, sample))
    trainer.compile(optimizer=adam(schedule), jit_compile=needs_jit())
    trainer.build((None, schedule.size, schedule.size, 3))
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


class _Trainer(keras.Model):
    """Fits the transformer to the objective; the step and the optimizer are Keras' own."""

    def __init__(
        self,
        transformer: keras.Model,
        objective: PerceptualLoss,
        style: np.ndarray,
        variances: Mapping[str, float],
    ):
        # Under a policy of mixed precision Keras would scale losses, though nothing here is float16.
        super().__init__(name="trainer", dtype="float32")
        self.objective, self.content_variances = objective, variances
        self.observed = observed(transformer)
        self.style_targets = objective.style_targets(style[None])
        self.terms = {name: _Latest(name=name) for name in _TERMS}
        self.beyond_range = _Latest(name="beyond_range")

    def build(self, shape):
        self.built = True  # the transformer inside was built by its constructor

    def call(self, images, training=None):
        return self.observed(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # Clipped in value, not in gradient: a pixel beyond black or white is judged as it will be shown, and can still
        # come back. With a squashing output in its place (tanh), dark areas saturate for good and turn into holes.
        images, entering = y_pred
        beyond = ops.clip(images, 0.0, 1.0) - images
        terms = self.objective(
            images + ops.stop_gradient(beyond),
            self.objective.content_targets(x),
            self.style_targets,
            content_variances=self.content_variances,
        )
        for name, value in terms._asdict().items():
            self.terms[name].update_state(value)
        beyond_range = ops.mean(ops.square(beyond))
        self.beyond_range.update_state(beyond_range)
        penalties = {"range": beyond_range, "peaks": mean_peak_energy(entering)}
        return terms.total + sum(PENALTIES[name] * value for name, value in penalties.items())


def adam(schedule: Schedule) -> keras.optimizers.Optimizer:
    """Adam with the rate of a schedule over its steps: a rise, then a cosine; keeps an average of the weights."""
    # Adam's first steps are of full length however small the gradient, and the 2,592 inputs to each channel of the
    # output add them up: a rate that starts at its peak throws the output far out of range.
    rise = min(_RISE, schedule.steps // 5)
    rate = keras.optimizers.schedules.CosineDecay(
        np.float32(0.01 * schedule.learning_rate),  # else it has Keras' floatx
        max(1, schedule.steps - rise),
        alpha=0.02,
        warmup_target=schedule.learning_rate,
        warmup_steps=rise,
    )
    return keras.optimizers.Adam(
        rate,
        global_clipnorm=_CLIP_NORM,
        use_ema=True,
        # Over a tenth of a short run: with the full momentum its average would be mostly the start.
        ema_momentum=max(0.0, min(_EMA_MOMENTUM, 1 - 10 / schedule.steps)),
    )


def _content_variances(
    objective: PerceptualLoss, batches: Sequence[np.ndarray]
) -> dict[str, float]:
    """Mean variance of the content features over some batches of crops, by layer."""
    samples = [objective.content_targets(batch) for batch in batches]
    return {
        name: float(np.mean([ops.convert_to_numpy(ops.var(sample[name])) for sample in samples]))
        for name in samples[0]
    }


def _run(trainer, crops, history, store, on_step, progress) -> None:
    """Takes the steps that `history` lacks, and puts the average of the weights in place of the last ones.

    Not by `fit`: on TensorFlow it reads ahead through tf.data, which hides an error of a photo in one of its own, and
    can block the interpreter for up to a minute when a run that was interrupted is cleaned up.
    """
    steps, shape = len(crops), None
    clock = time.perf_counter() - (history[-1]["seconds"] if history else 0.0)
    with tqdm(total=steps, initial=len(history), unit="step", disable=not progress) as bar:
        while len(history) < steps:
            step, batch = len(history) + 1, crops[len(history)]
            if batch.shape != shape:
                # A graph for each size: TensorFlow's for any size rounds otherwise than its for one, and only a run
                # that began with the smaller crops would have it.
                trainer.make_train_function(force=True)
                shape = batch.shape
            trainer.train_on_batch(batch)
            terms = {name: float(trainer.terms[name].value) for name in _TERMS}
            if not all(math.isfinite(value) for value in terms.values()):
                raise _not_finite("the loss is", step, _describe(terms), store)
            # A ReLU of TensorFlow may turn a NaN into 0 on the way to the losses; this is of the pixels themselves.
            if not math.isfinite(float(trainer.beyond_range.value)):
                raise _not_finite(
                    "the picture is", step, "it has pixels that are no numbers", store
                )
            row = {"step": step, "seconds": time.perf_counter() - clock, **terms}
            history.append(row)
            bar.update()
            bar.set_postfix({name: f"{terms[name]:.3f}" for name in ("total", "content", "style")})
            stop = bool(on_step and on_step(row))
            due = stop or step % _EVERY == 0 or step == steps
            # A gradient too large for float32 spoils the weights after a loss that was finite.
            if due and not all(ops.all(ops.isfinite(weight)) for weight in trainer.weights):
                raise _not_finite("the weights are", step, "a gradient was too large", store)
            # The last step is saved below, with the averaged weights.
            if store and due and step < steps:
                store.save(trainer, history)
            if stop:
                break
    trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
    if store and len(history) == steps:
        store.save(trainer, history)


def _not_finite(what: str, step: int, cause: str, store: Checkpoint | None) -> TrainingError:
    kept = (
        f" The state saved last is in {store.folder}; other arguments need another."
        if store
        else ""
    )
    return TrainingError(
        f"{what} not finite at step {step}: {cause}. A smaller learning_rate or style_weight, or photos and style "
        f"without flat areas, may help.{kept}"
    )


class _Latest(keras.metrics.Metric):
    """The value of the last batch; Keras' own metrics average over the epoch."""

    def __init__(self, name):
        super().__init__(name=name)
        self.value = self.add_variable((), initializer="zeros", name="value")

    def update_state(self, value, sample_weight=None):
        self.value.assign(value)

    def result(self):
        return ops.convert_to_tensor(self.value)


def _fingerprint(arrays) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _describe(terms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in terms.items())
