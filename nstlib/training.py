"""Training of an image transformation network for one style (Johnson et al. 2016, sec. 3), on any Keras backend."""

import hashlib
import itertools
import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from tqdm.auto import tqdm

from nstlib.arguments import check_count
from nstlib.benchmark import describe_machine
from nstlib.data import PhotoFolder, photo, photo_folder, photo_names
from nstlib.images import check_image, fit
from nstlib.losses import checkerboard_energy, edge_aware_smoothness, peak_energy
from nstlib.perceptual import PerceptualLoss
from nstlib.precision import precision_in_use
from nstlib.transformer import STRIDE, Network, load_network, needs_jit, new_network

_START = "starry_night"
_TERMS = ("total", "content", "style", "tv")
_COLUMNS = ["step", "seconds", *_TERMS]
_CHECKPOINT = "checkpoint.weights.h5"
_HISTORY = "history.csv"
_SETTINGS = "settings.json"
_TEMPORARY = ".unfinished-"
_EMA_MOMENTUM = 0.995
_CLIP_NORM = 1.0
_RANGE_WEIGHT = 10.0
_PEAK_WEIGHT = 10.0
_PEAK_LIMIT = 10.0
_VARIANCE_CROPS = 24
_ORDERS = list(itertools.permutations(range(3)))
_GAMMAS = (0.6, 1.0, 1.6)


class TrainingError(RuntimeError):
    """Training that cannot start, go on or be resumed."""


@dataclass(frozen=True)
class TrainingResult:
    """A trained network and how it got there.

    Attributes:
        network: the network, its model card filled in.
        history: one row a step: step (from 1), seconds (since the start, time between resumptions left out), total,
            content, style, tv: the objective on that step's batch.
    """

    network: Network
    history: pd.DataFrame


def training_objective() -> PerceptualLoss:
    """What `train` minimises unless told otherwise, and what the shipped networks were trained on.

    Two of them had another `style_weight` in the end, as their cards say: 9 for Composition VII, 3 for The Great Wave.

    Moments in place of Gram matrices, and the colours of the image itself beside the features: what a Gram matrix of
    these features knows of colour is drowned by its means. The lower of the two content layers keeps faces.
    """
    return PerceptualLoss(
        content_layers=("relu2_2", "relu3_3"),
        style_statistic="moments",
        style_layers={"pixels": 2, "relu1_2": 1, "relu2_2": 1, "relu3_3": 1, "relu4_3": 1},
        style_weight=6,
        total_variation_weight=5,
    )


def train(
    style: np.ndarray,
    photos: Sequence[np.ndarray] | str | Path | None = None,
    *,
    name: str = "style",
    licence: str = "unknown",
    objective: PerceptualLoss | None = None,
    steps: int = 600,
    size: int = 192,
    batch_size: int = 1,
    learning_rate: float = 1e-3,
    checkerboard_weight: float = 0.0,
    smoothness_weight: float = 0.0,
    start: Network | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 250,
    on_step: Callable[[Mapping[str, float]], bool | None] | None = None,
    progress: bool = True,
) -> TrainingResult:
    """Trains a network to give any photo the look of one style image.

    Adam, its rate rising over the first 200 steps and then decaying as a cosine, and an average of the weights over the
    last tenth of the steps, at most a few hundred (EMA). The objective sees the output clipped to [0, 1], as it will be
    shown; values beyond that range cost 10 times their mean square on top. So do single places inside the network that
    stand out by far before an instance normalisation (`nstlib.losses.peak_energy` above 10, at weight 10, averaged over
    the layers): they would show as blots.

    Args:
        style: the style image, `(H, W, 3)`.
        photos: images to train on: a folder, or a sequence of images; None takes the photos of `nstlib.data`, each in
            18 tones.
        name, licence: of the style, for the model card.
        objective: what to minimise; None is `training_objective()`.
        steps: batches in all.
        size: side of the square crops, in pixels, at least 16.
        batch_size: crops a batch.
        learning_rate: at its peak.
        checkerboard_weight: of `nstlib.losses.checkerboard_energy` of the output, with the network's stride as period.
            A style of small marks may come out as a screen of 4 px in even areas: 400 took it away from the wide
            network of "pointillist" in 3,000 steps, and slanted hatching took its place.
        smoothness_weight: of `nstlib.losses.edge_aware_smoothness` of the output, over 8 px. A style with a few strong
            colours may come out as patches of them where the photo is even: 80 took the round dark red ones away from
            the wide network of "brush_flow" in 2,000 further steps, and from the slim one in 1,000 of its 2,500.
        start: the network to start from; None is the shipped one of The Starry Night, which knows how to paint: another
            style arrives in a few hundred steps. From `trunk()`, which redraws its input, or from
            `train_identity(...)` for another architecture, it takes thousands; from random weights, more.
        seed: of the crops. Equal arguments on one machine give equal networks.
        checkpoint: a folder to keep the state in. When it already holds the state of a run with the same arguments,
            training goes on from there and ends as if it had never stopped.
        checkpoint_every: steps between two saved states.
        on_step: called after every step with a row of the history; returning True ends training early.
        progress: show a progress bar.

    Raises:
        TrainingError: before the first step, a folder that cannot be written, has no room for the old state beside a
            new one, or holds another run; later, a loss or weights that are not finite (the last saved state is kept).
        ImageError, ValueError: bad arguments.
    """
    _check_counts(steps=steps, size=size, batch_size=batch_size, checkpoint_every=checkpoint_every)
    _check_seed(seed)
    if not isinstance(learning_rate, int | float) or not 0 < learning_rate < 1:
        raise ValueError(f"learning_rate: {learning_rate!r} is not between 0 and 1")
    _check_weights(checkerboard_weight=checkerboard_weight, smoothness_weight=smoothness_weight)
    objective = objective or training_objective()
    start = start or load_network(_START)
    style = check_image(style, "style")
    images = _training_photos(photos)
    settings = {
        "name": name,
        "objective": objective.settings(),
        "steps": steps,
        "size": size,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "checkerboard_weight": checkerboard_weight,
        "smoothness_weight": smoothness_weight,
        "seed": seed,
        "photos": len(images),
        "start": start.card.get("style", "random"),
        "style_fingerprint": _fingerprint([style]),
        "start_fingerprint": _fingerprint(start.model.get_weights()),
        "backend": keras.backend.backend(),
        "precision": precision_in_use(),
    }

    keras.utils.set_random_seed(seed)
    network = new_network(**start.architecture)
    network.model.set_weights(start.model.get_weights())
    settings["architecture"] = dict(network.architecture)

    crops = {"images": images, "size": size, "batch_size": batch_size, "seed": seed}
    sample = _Crops(steps=_VARIANCE_CROPS, **crops)
    batches = [sample[i][0] for i in range(len(sample))]
    settings["photos_fingerprint"] = _fingerprint([*batches, *_identity(images)])
    variances = _content_variances(objective, batches)
    penalties = {"checkerboard": checkerboard_weight, "smoothness": smoothness_weight}
    trainer = _Trainer(network.model, objective, style, variances, penalties)
    trainer.compile(optimizer=_optimizer(learning_rate, steps), jit_compile=needs_jit())
    trainer.build((None, size, size, 3))
    trainer.optimizer.build(trainer.trainable_variables)

    store = None if checkpoint is None else _Store(Path(checkpoint), settings)
    history = store.restore(trainer) if store else []
    done = len(history)
    if done < steps:
        _run(
            trainer,
            _Crops(steps=steps, **crops),
            history,
            store,
            checkpoint_every,
            on_step,
            progress,
        )
    frame = pd.DataFrame(history, columns=_COLUMNS)
    last = frame.tail(max(1, min(100, len(frame) // 10)))
    card = settings | {
        "style": name,
        "licence": licence,
        "steps": len(frame),
        "seconds": round(float(frame["seconds"].iloc[-1]), 1),
        "final_losses": {term: round(float(last[term].mean()), 5) for term in _TERMS},
        "nstlib": _version(),
        "keras": keras.__version__,
        "machine": describe_machine(),
    }
    return TrainingResult(Network(network.model, network.architecture, card), frame)


def train_identity(
    photos: Sequence[np.ndarray] | str | Path | None = None,
    *,
    steps: int = 1200,
    size: int = 128,
    batch_size: int = 2,
    learning_rate: float = 2e-3,
    seed: int = 0,
    progress: bool = True,
    **architecture,
) -> Network:
    """Trains a network to reproduce its input: the start of `train` for another architecture than the trunk's.

    Minimises the mean absolute error of the pixels, so it needs no VGG and takes a fraction of the time a step.

    Args:
        photos, steps, size, batch_size, learning_rate, progress: see `train`.
        seed: of the weights and the crops.
        architecture: arguments of `build_transformer`.

    Raises:
        ImageError, ValueError: bad arguments.
    """
    keras.utils.set_random_seed(seed)
    network = new_network(**architecture)
    recipe = _imitate(
        network,
        lambda batch: batch,
        photos,
        steps=steps,
        size=size,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        progress=progress,
    )
    card = {"style": "identity", **recipe, "nstlib": _version()}
    return Network(network.model, network.architecture, card)


def distill(
    network: Network,
    photos: Sequence[np.ndarray] | str | Path | None = None,
    *,
    steps: int = 4000,
    size: int = 192,
    batch_size: int = 2,
    learning_rate: float = 3e-3,
    start: Network | None = None,
    seed: int = 0,
    progress: bool = True,
    **architecture,
) -> Network:
    """Trains a slimmer network to paint as a trained one does.

    Minimises the mean absolute difference of the pixels between the two (Hinton et al. 2015, 'Distilling the Knowledge
    in a Neural Network', with pictures in place of classes), so it needs no VGG.

    Args:
        network: the one to imitate.
        photos, steps, size, batch_size, learning_rate, progress: see `train`.
        start: a network of the new architecture to start from; None starts from random weights.
        seed: of the weights and the crops.
        architecture: arguments of `build_transformer`, such as `width=0.25`; those of `start` if there is one.

    Raises:
        ImageError, ValueError: bad arguments.
    """
    if start is not None and architecture:
        raise ValueError(
            f"{', '.join(architecture)}: the architecture is that of start; leave one of them out"
        )
    keras.utils.set_random_seed(seed)
    slim = new_network(**(start.architecture if start else architecture))
    if start is not None:
        slim.model.set_weights(start.model.get_weights())
    recipe = _imitate(
        slim,
        lambda batch: np.clip(network.model.predict_on_batch(batch), 0.0, 1.0),
        photos,
        steps=steps,
        size=size,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        progress=progress,
    )
    card = dict(network.card) | {
        "distilled": {"from": network.fingerprint, **recipe},
        "architecture": dict(slim.architecture),
        "nstlib": _version(),
    }
    return Network(slim.model, slim.architecture, card)


def _imitate(
    network: Network,
    make: Callable[[np.ndarray], np.ndarray],
    photos: Sequence[np.ndarray] | str | Path | None,
    *,
    steps: int,
    size: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    progress: bool,
) -> dict[str, float]:
    """Fits the network to what `make` makes of each batch of crops; what a card says of that."""
    _check_counts(steps=steps, size=size, batch_size=batch_size)
    images = _training_photos(photos)
    crops = _Crops(images=images, size=size, batch_size=batch_size, seed=seed, steps=steps)
    model, error = network.model, math.nan
    model.compile(optimizer=_optimizer(learning_rate, steps), loss="mae", jit_compile=needs_jit())
    for index in tqdm(range(steps), unit="step", disable=not progress):
        (batch,) = crops[index]
        error = float(model.train_on_batch(batch, make(batch)))  # Keras averages since the first
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return {
        "steps": steps,
        "size": size,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "photos": len(images),
        "mean_absolute_error": round(error, 5),
    }


class _Trainer(keras.Model):
    """Fits the transformer to the objective; `fit` and the optimizer are Keras' own."""

    def __init__(
        self,
        transformer: keras.Model,
        objective: PerceptualLoss,
        style: np.ndarray,
        variances: Mapping[str, float],
        penalties: Mapping[str, float],
    ):
        super().__init__(name="trainer")
        self.content_variances = variances
        self.penalties = penalties
        normalizing = [
            layer
            for layer in transformer.layers
            if isinstance(layer, keras.layers.GroupNormalization)
        ]
        self.observed = keras.Model(
            transformer.inputs, [transformer.output, [layer.input for layer in normalizing]]
        )
        self.objective = objective
        self.style_targets = objective.style_targets(style[None])
        self.terms = {name: _Latest(name=name) for name in _TERMS}

    def build(self, shape):
        self.built = True  # the transformer inside was built by its constructor

    def call(self, images, training=None):
        return self.observed(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        # Clipped in value, not in gradient: a pixel beyond black or white is judged as it will be shown, and can still
        # come back. With a squashing output in its place (tanh), dark areas saturate for good and turn into holes.
        images, entering = y_pred
        beyond = ops.clip(images, 0.0, 1.0) - images
        shown = images + ops.stop_gradient(beyond)
        terms = self.objective(
            shown,
            self.objective.content_targets(x),
            self.style_targets,
            content_variances=self.content_variances,
        )
        for name, value in terms._asdict().items():
            self.terms[name].update_state(value)
        peaks = [ops.mean(peak_energy(features, _PEAK_LIMIT)) for features in entering]
        return (
            terms.total
            + _RANGE_WEIGHT * ops.mean(ops.square(beyond))
            + self._penalties(shown, x)
            + _PEAK_WEIGHT * sum(peaks) / max(1, len(peaks))  # batch normalisation has none
        )

    def _penalties(self, shown, photos):
        # At no weight, as for most styles, not a step's time for them either.
        total, weights = 0.0, self.penalties
        if weights["checkerboard"]:
            total += weights["checkerboard"] * ops.mean(checkerboard_energy(shown, STRIDE))
        if weights["smoothness"]:
            total += weights["smoothness"] * ops.mean(edge_aware_smoothness(shown, photos))
        return total


class _Crops(keras.utils.PyDataset):
    """Random square crops, mirrored at random: a pure function of seed and step, so a resumed run sees the same."""

    def __init__(self, *, images, size: int, batch_size: int, seed: int, steps: int):
        super().__init__()
        self.images, self.size, self.batch_size, self.seed = images, size, batch_size, seed
        self.steps = steps

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index])
        batch = [self._crop(rng) for _ in range(self.batch_size)]
        return (np.stack(batch),)

    def _crop(self, rng) -> np.ndarray:
        index = int(rng.integers(len(self.images)))
        image = check_image(self.images[index], f"photos[{index}]")
        height, width, _ = image.shape
        short = min(height, width)
        side = int(rng.integers(min(self.size, short), short + 1))
        top = int(rng.integers(height - side + 1))
        left = int(rng.integers(width - side + 1))
        crop = image[top : top + side, left : left + side]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return fit(np.ascontiguousarray(crop), self.size, self.size)


class _Variants(Sequence):
    """Each of a few photos in 18 tones, made when asked for: six orders of the channels by three gammas.

    A network that saw eight photos as they are would know eight palettes.
    """

    def __init__(self, photos: Sequence[np.ndarray]):
        self.photos = photos

    def __len__(self):
        return len(self.photos) * len(_ORDERS) * len(_GAMMAS)

    def __getitem__(self, index):
        index, tone = divmod(index, len(_ORDERS) * len(_GAMMAS))
        order, gamma = divmod(tone, len(_GAMMAS))
        return self.photos[index][..., _ORDERS[order]] ** np.float32(_GAMMAS[gamma])


def _optimizer(peak_rate: float, steps: int) -> keras.optimizers.Optimizer:
    # Adam's first steps are of full length however small the gradient, and the 2,592 inputs to each channel of the
    # output add them up: a rate that starts at its peak throws the output far out of range.
    rise = min(200, steps // 5)
    rate = keras.optimizers.schedules.CosineDecay(
        0.01 * peak_rate,
        max(1, steps - rise),
        alpha=0.02,
        warmup_target=peak_rate,
        warmup_steps=rise,
    )
    return keras.optimizers.Adam(
        rate,
        global_clipnorm=_CLIP_NORM,
        use_ema=True,
        # Over a tenth of a short run: with the full momentum its average would be mostly the start.
        ema_momentum=max(0.0, min(_EMA_MOMENTUM, 1 - 10 / steps)),
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


def _run(trainer, crops, history, store, every, on_step, progress) -> None:
    """Takes the steps that `history` lacks, and puts the average of the weights in place of the last ones.

    Not by `fit`: on TensorFlow it reads ahead through tf.data, which hides an error of a photo in one of its own, and
    can block the interpreter for up to a minute when a run that was interrupted is cleaned up.
    """
    steps = len(crops)
    clock = time.perf_counter() - (history[-1]["seconds"] if history else 0.0)
    with tqdm(total=steps, initial=len(history), unit="step", disable=not progress) as bar:
        while len(history) < steps:
            step = len(history) + 1
            trainer.train_on_batch(*crops[step - 1])
            terms = {name: float(trainer.terms[name].value) for name in _TERMS}
            if not all(math.isfinite(value) for value in terms.values()):
                raise _not_finite("the loss is", step, _describe(terms), store)
            row = {"step": step, "seconds": time.perf_counter() - clock, **terms}
            history.append(row)
            bar.update()
            bar.set_postfix({name: f"{terms[name]:.3f}" for name in ("total", "content", "style")})
            stop = bool(on_step and on_step(row))
            due = stop or step % every == 0 or step == steps
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


def _not_finite(what: str, step: int, cause: str, store: "_Store | None") -> TrainingError:
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


class _Store:
    """The state of a run in a folder: what to go on from after a kill at any moment.

    The history is written first and the weights, which hold the step count, last, each through a rename: whatever
    comes between, the weights decide, and the history is cut to them.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        self.folder = folder
        self.settings = json.loads(json.dumps(settings))

    def restore(self, trainer: keras.Model) -> list[dict[str, float]]:
        """Loads the saved state into `trainer`, or saves its first one; returns the history so far."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for unfinished in self.folder.glob(f"{_TEMPORARY}*"):  # of a run that was killed
                shutil.rmtree(unfinished)
        except OSError as error:
            raise self._cannot_write(error) from error
        resumed = (self.folder / _CHECKPOINT).exists()
        if resumed:
            self._check_settings()
        # Of a resumed run too, to find out now whether the folder can be written.
        self._write(_SETTINGS, lambda path: path.write_text(json.dumps(self.settings)))
        if not resumed:
            self.save(trainer, [])
        try:
            trainer.load_weights(self.folder / _CHECKPOINT)
            # As text: pandas' own conversion of floats is not exact in every version.
            history = pd.read_csv(self.folder / _HISTORY, dtype=str).astype(float)
            history = history[_COLUMNS].astype({"step": int})
            done = int(trainer.optimizer.iterations)
            if history["step"].tolist()[:done] != list(range(1, done + 1)):
                raise ValueError(f"the history does not hold the steps 1 to {done}")
        except Exception as error:  # h5py's, Keras' and pandas' own
            raise TrainingError(f"checkpoint: {self.folder} is damaged ({error})") from error
        rows = history.head(done).to_dict("records")
        # To find out now whether there is room for a new state beside the old one.
        self.save(trainer, rows)
        return rows

    def save(self, trainer: keras.Model, history: Sequence[Mapping[str, float]]) -> None:
        frame = pd.DataFrame(history, columns=_COLUMNS)
        self._write(_HISTORY, lambda path: frame.to_csv(path, index=False))
        self._write(_CHECKPOINT, trainer.save_weights)

    def _check_settings(self):
        try:
            found = dict(json.loads((self.folder / _SETTINGS).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"checkpoint: {self.folder} is damaged ({error})") from error
        differing = sorted(k for k in found | self.settings if found.get(k) != self.settings.get(k))
        if differing:
            raise TrainingError(
                f"checkpoint: {self.folder} holds a run that differs in {', '.join(differing)}; "
                "use another folder, or remove this one to start anew"
            )

    def _write(self, name: str, write: Callable[[Path], Any]) -> None:
        try:
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=_TEMPORARY) as temporary:
                path = Path(temporary) / name
                write(path)
                path.replace(self.folder / name)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> TrainingError:
        return TrainingError(f"checkpoint: {self.folder} cannot be written ({error})")


def _training_photos(photos) -> Sequence[np.ndarray]:
    if photos is None:
        return _Variants([photo(name) for name in photo_names()])
    if isinstance(photos, str | Path):
        return photo_folder(photos)
    if len(photos) == 0:
        raise ValueError("photos is empty: training needs at least one image")
    return photos


def _identity(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What tells one set of photos from another: names and sizes of a folder's files, else every pixel."""
    if isinstance(images, PhotoFolder):
        files = [f"{path.name} {path.stat().st_size}" for path in images.paths]
        return [np.frombuffer("\n".join(files).encode(errors="surrogateescape"), np.uint8)]
    if isinstance(images, _Variants):
        return list(images.photos)
    return [check_image(image, f"photos[{index}]") for index, image in enumerate(images)]


def _check_seed(seed):
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed: {seed!r} is not a whole number from 0 to 2**32 - 1")


def _version() -> str:
    try:
        return version("nst-study")
    except PackageNotFoundError:  # a checkout that is not installed
        return "not installed"


def _check_weights(**weights):
    for argument, value in weights.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value < math.inf:
            raise ValueError(f"{argument}: {value!r} is not a number of at least 0")


def _check_counts(**counts):
    for argument, value in counts.items():
        check_count(value, argument, least=16 if argument == "size" else 1)


def _fingerprint(arrays) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _describe(terms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in terms.items())
