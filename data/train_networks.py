"""Trains the networks that ship with nstlib: the trunk, and one network for each style.

One command for each, from a checkout, with a folder of photos to train on (a few hundred are enough) and, for the five
paintings, the data folder set to where they are:

    .venv/bin/python data/train_networks.py trunk --photos PHOTOS
    .venv/bin/python data/train_networks.py starry_night --photos PHOTOS

A style starts from the shipped network of a related style, which `START` names, or from the trunk. A run that was
stopped goes on from its last checkpoint when the same command is given again.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

import nstlib as nst

ASSETS = Path(nst.__file__).parent / "assets"
STYLE_SIZE = 384  # longer side, in px: sets how large the strokes are
# Moments in place of Gram matrices, and the colours of the image itself beside the features: what a Gram matrix of
# these features knows of colour is drowned by its means.
OBJECTIVE = nst.PerceptualLoss(
    content_layers=("relu2_2", "relu3_3"),
    style_statistic="moments",
    style_layers={"pixels": 2, "relu1_2": 1, "relu2_2": 1, "relu3_3": 1, "relu4_3": 1},
    style_weight=2.5,
    total_variation_weight=5,
)
FIRST_STYLE_WEIGHT = 5  # of the first stage: strokes first, then the tones of the photo come back
START = {
    "starry_night": None,
    "composition_vii": None,
    "brush_flow": "starry_night",
    "the_scream": "starry_night",
    "wave": "starry_night",
    "pointillist": "starry_night",
    "linocut": "starry_night",
    "udnie": "composition_vii",
    "stained_glass": "starry_night",
    "cubist_planes": "starry_night",
}
STEPS_FROM_TRUNK = (800, 200)  # of the two stages
STEPS_FROM_STYLE = (300, 120)


def train_style(name: str, photos: Path, work: Path) -> Path:
    """Trains the network of one style in two stages and writes it to where it ships from.

    Many small crops first, for the strokes; then crops large enough to place the colours.
    """
    start = START[name]
    steps = STEPS_FROM_STYLE if start else STEPS_FROM_TRUNK
    common = {
        "name": name,
        "licence": nst.catalogue().set_index("name").loc[name, "licence"],
        "checkpoint_every": 100,
    }
    style = nst.style(name, size=STYLE_SIZE)
    first = nst.train(
        style,
        photos,
        start=nst.load_network(start) if start else nst.trunk(),
        steps=steps[0],
        objective=dataclasses.replace(OBJECTIVE, style_weight=FIRST_STYLE_WEIGHT),
        size=128,
        checkpoint=work / name / "first",
        **common,
    )
    second = nst.train(
        style,
        photos,
        start=first.network,
        objective=OBJECTIVE,
        steps=steps[1],
        size=192,
        learning_rate=5e-4,
        checkpoint=work / name / "second",
        **common,
    )
    network = second.network
    network.model.set_weights([rounded(weight) for weight in network.model.get_weights()])
    card = network.card | {"first_stage": first.network.card}
    network = dataclasses.replace(network, card=card)
    return nst.save_network(network, ASSETS / "networks" / f"{name}.npz", dtype="float16")


def rounded(weights: np.ndarray) -> np.ndarray:
    """The weights to nine binary digits, float16 having eleven: a tenth off the file, and no pixel moves by 1/255."""
    mantissa, exponent = np.frexp(weights)
    return np.ldexp(np.round(mantissa * 2**9) / 2**9, exponent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=["trunk", *START])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    arguments = parser.parse_args()
    if arguments.name == "trunk":
        network = nst.train_identity(arguments.photos)
        print(nst.save_network(network, ASSETS / "trunk.npz", dtype="float16"))
    else:
        print(train_style(arguments.name, arguments.photos, arguments.work))


if __name__ == "__main__":
    main()
