"""Trains the networks that ship with nstlib: the trunk, and one network for each style.

One command for each, from a checkout, with a folder of photos to train on (a few hundred are enough) and, for the five
paintings, the data folder set to where they are:

    .venv/bin/python data/train_networks.py trunk --photos PHOTOS
    .venv/bin/python data/train_networks.py starry_night --photos PHOTOS
    .venv/bin/python data/train_networks.py wave --photos PHOTOS

The Starry Night starts from the trunk, every other style from The Starry Night. A run that was stopped goes on from its
last checkpoint when the same command is given again. When all ten are there, each has a second round, from itself:

    .venv/bin/python data/train_networks.py wave --again --photos PHOTOS

The slim networks, a quarter as wide, learn to paint as the wide ones do, in a few minutes each; The Starry Night again
comes first:

    .venv/bin/python data/train_networks.py starry_night --slim --photos PHOTOS
    .venv/bin/python data/train_networks.py wave --slim --photos PHOTOS
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

import nstlib as nst

ASSETS = Path(nst.__file__).parent / "assets"
STYLE_SIZE = 384  # longer side, in px: sets how large the strokes are
FIRST = "starry_night"
STEPS = {FIRST: 2600, "the_scream": 1400, "composition_vii": 1400, "udnie": 1400}
STEPS_OF_OTHERS = 700
STEPS_AGAIN = {"paintings": 1000, "others": 700}
SLIM_WIDTH, SLIM_STEPS, SLIM_STEPS_OF_FIRST = 0.25, 1500, 4000
STYLE_WEIGHTS = {
    "wave": 3
}  # its even paper would take faces away at the weight that suits the others


def first_round(name: str) -> tuple[nst.Network, int]:
    """What the first training of a style starts from, and its steps."""
    start = nst.trunk() if name == FIRST else nst.load_network(FIRST)
    return start, STEPS.get(name, STEPS_OF_OTHERS)


def next_round(name: str) -> tuple[nst.Network, int]:
    """What another training starts from, the network that ships now, and its steps."""
    kind = "paintings" if name in nst.painting_names() else "others"
    return nst.load_network(name), STEPS_AGAIN[kind]


def train_style(
    name: str, start: nst.Network, steps: int, photos: Path, work: Path, precision: str
) -> Path:
    """Trains the network of one style and writes it to where it ships from; `precision` is for its card."""
    objective = nst.training_objective()
    weight = STYLE_WEIGHTS.get(name, objective.style_weight)
    result = nst.train(
        nst.style(name, size=STYLE_SIZE),
        photos,
        name=name,
        licence=nst.catalogue().set_index("name").loc[name, "licence"],
        objective=dataclasses.replace(objective, style_weight=weight),
        start=start,
        steps=steps,
        checkpoint=work / f"{name}_from_{start.fingerprint}",
        checkpoint_every=200,
    )
    card = result.network.card | {"precision": precision}
    if start.card.get("style") == name:
        finished = {key: start.card[key] for key in ("start", "steps", "seconds", "precision")}
        card["earlier_rounds"] = [*start.card.get("earlier_rounds", []), finished]
    return ship(dataclasses.replace(result.network, card=card), ASSETS / "networks" / f"{name}.npz")


def train_slim(name: str, photos: Path) -> Path:
    """Trains the slim network of one style from the wide one and writes it to where it ships from."""
    if name == FIRST:
        start, steps = nst.train_identity(photos, steps=1500, width=SLIM_WIDTH), SLIM_STEPS_OF_FIRST
    else:
        start, steps = nst.load_network(FIRST, width=SLIM_WIDTH), SLIM_STEPS
    network = nst.distill(nst.load_network(name), photos, steps=steps, batch_size=1, start=start)
    return ship(network, ASSETS / "networks" / "slim" / f"{name}.npz")


def ship(network: nst.Network, path: Path) -> Path:
    network.model.set_weights([rounded(weight) for weight in network.model.get_weights()])
    return nst.save_network(network, path, dtype="float16")


def rounded(weights: np.ndarray) -> np.ndarray:
    """The weights to nine binary digits, float16 having eleven: a tenth off the file, and no pixel moves by 1/255."""
    mantissa, exponent = np.frexp(weights)
    return np.ldexp(np.round(mantissa * 2**9) / 2**9, exponent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    styles = [*nst.style_names(), *nst.painting_names()]
    parser.add_argument("name", choices=["trunk", *styles])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="convolutions in bfloat16: 1.7 times as fast on a processor with AVX512_BF16, slow on any other",
    )
    parser.add_argument("--again", action="store_true", help="another round, from what ships now")
    parser.add_argument("--slim", action="store_true", help="the slim network of the style")
    arguments = parser.parse_args()
    if arguments.bfloat16:
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
    if arguments.name == "trunk":
        network = nst.train_identity(arguments.photos)
        print(nst.save_network(network, ASSETS / "trunk.npz", dtype="float16"))
    elif arguments.slim:
        print(train_slim(arguments.name, arguments.photos))
    else:
        precision = "bfloat16" if arguments.bfloat16 else "float32"
        start, steps = (next_round if arguments.again else first_round)(arguments.name)
        print(
            train_style(arguments.name, start, steps, arguments.photos, arguments.work, precision)
        )


if __name__ == "__main__":
    main()
