"""Trains the networks that ship with nstlib: the trunk, and one network for each style.

One command for each, from a checkout, with a folder of photos to train on (a few hundred are enough):

    .venv/bin/python data/train_networks.py trunk --photos PHOTOS
    .venv/bin/python data/train_networks.py brush_flow --photos PHOTOS

A run that was stopped goes on from its last checkpoint when the same command is given again.
"""

import argparse
import dataclasses
from pathlib import Path

import nstlib as nst

ASSETS = Path(nst.__file__).parent / "assets"
STYLE_SIZE = 384  # longer side, in px: sets how large the strokes are


def train_style(name: str, photos: Path, work: Path, steps: int) -> Path:
    """Trains the network of one style in two stages and writes it to where it ships from.

    First the strokes, with the default style weight; then, at a lower one, the content comes back.
    """
    licence = nst.catalogue().set_index("name").loc[name, "licence"]
    style = nst.style(name, size=STYLE_SIZE)
    common = {"name": name, "licence": licence, "size": 192}
    first = nst.train(style, photos, steps=steps, checkpoint=work / name / "first", **common)
    second = nst.train(
        style,
        photos,
        start=first.network,
        objective=nst.PerceptualLoss(style_weight=3.0),
        steps=800,
        learning_rate=7e-4,
        checkpoint=work / name / "second",
        **common,
    )
    card = second.network.card | {"first_stage": first.network.card}
    network = dataclasses.replace(second.network, card=card)
    return nst.save_network(network, ASSETS / "networks" / f"{name}.npz", dtype="float16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=["trunk", *nst.style_names(), *nst.painting_names()])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    parser.add_argument("--steps", type=int, default=3000, help="batches of the first stage")
    arguments = parser.parse_args()
    if arguments.name == "trunk":
        network = nst.train_identity(arguments.photos)
        print(nst.save_network(network, ASSETS / "trunk.npz", dtype="float16"))
    else:
        print(train_style(arguments.name, arguments.photos, arguments.work, arguments.steps))


if __name__ == "__main__":
    main()
