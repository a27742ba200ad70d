"""Networks taught by pictures alone, without a VGG: to redraw their input, or to paint as another network does."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm.auto import tqdm

from nstlib.johnson.crops import Crops, training_photos
from nstlib.johnson.network import Network, needs_jit, new_network
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import adam
from nstlib.machine.measuring import package_version

_OF_IDENTITY = Schedule(steps=1200, size=128, small_share=0, batch_size=2, learning_rate=2e-3)
_LAST = 100  # steps that the error on a card is the mean of
_OF_IMITATION = Schedule(steps=4000, size=192, small_share=0, learning_rate=3e-3)


def train_identity(
    photos: Sequence[np.ndarray] | str | Path | None = None,
    *,
    schedule: Schedule = _OF_IDENTITY,
    progress: bool = True,
    **architecture: Any,
) -> Network:
    """Trains a network to reproduce its input: the start of `train` for another architecture than the trunk's.

    Minimises the mean absolute error of the pixels, so it needs no VGG and takes a fraction of the time a step.

    Args:
        photos: see `nstlib.johnson.training.train`.
        schedule: steps, crops and rate; its seed is that of the weights too.
        progress: show a progress bar.
        architecture: arguments of `build_transformer`.

    Raises:
        DataError: a folder without usable photos.
        ImageError, ValueError: bad arguments.
    """
    keras.utils.set_random_seed(schedule.seed)
    network = new_network(**architecture)
    recipe = _imitate(network, lambda batch: batch, photos, schedule, progress)
    card = {"style": "identity", **recipe, "nstlib": package_version("nst-study")}
    return Network(network.model, network.architecture, card)


def distill(
    network: Network,
    photos: Sequence[np.ndarray] | str | Path | None = None,
    *,
    schedule: Schedule = _OF_IMITATION,
    start: Network | None = None,
    progress: bool = True,
    **architecture: Any,
) -> Network:
    """Trains a slimmer network to paint as a trained one does.

    Minimises the mean absolute difference of the pixels between the two (Hinton et al. 2015, 'Distilling the Knowledge
    in a Neural Network', with pictures in place of classes), so it needs no VGG.

    Args:
        network: the one to imitate.
        photos: see `nstlib.johnson.training.train`.
        schedule: steps, crops and rate; its seed is that of the weights too.
        start: a network of the new architecture to start from; None starts from random weights.
        progress: show a progress bar.
        architecture: arguments of `build_transformer`, such as `width=0.25`; none beside `start`, which has its own.

    Returns:
        The slim network; its card is that of the other, with what is said here under "distilled".

    Raises:
        DataError: a folder without usable photos.
        ImageError, ValueError: bad arguments.
    """
    if start is not None and architecture:
        raise ValueError(
            f"{', '.join(architecture)}: the architecture is that of start; leave one of them out"
        )
    keras.utils.set_random_seed(schedule.seed)
    slim = new_network(**(asdict(start.architecture) if start else architecture))
    if start is not None:
        slim.model.set_weights(start.model.get_weights())

    def paint(batch):
        return np.clip(network.model.predict_on_batch(batch), 0.0, 1.0)

    recipe = _imitate(slim, paint, photos, schedule, progress)
    card = dict(network.card) | {
        "distilled": {"from": network.fingerprint, **recipe},
        "architecture": asdict(slim.architecture),
        "nstlib": package_version("nst-study"),
    }
    return Network(slim.model, slim.architecture, card)


def _imitate(
    network: Network,
    make: Callable[[np.ndarray], np.ndarray],
    photos: Sequence[np.ndarray] | str | Path | None,
    schedule: Schedule,
    progress: bool,
) -> dict[str, Any]:
    """Fits the network to what `make` makes of each batch of crops; what a card says of that."""
    images = training_photos(photos, schedule.size)
    model, errors = network.model, []
    model.compile(optimizer=adam(schedule), loss="mae", jit_compile=needs_jit())
    for batch in tqdm(Crops(images, schedule), unit="step", disable=not progress):
        errors.append(float(model.train_on_batch(batch, make(batch))))
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return {
        **asdict(schedule),
        "photos": len(images),
        "mean_absolute_error": round(float(np.mean(errors[-_LAST:])), 5),
    }
