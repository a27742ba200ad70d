"""Trains the networks that ship with nstlib: the trunk, and one network for each style.

One command for each, from a checkout, with a folder of photos to train on (a few hundred are enough):

    .venv/bin/python data/train_networks.py trunk --photos PHOTOS
    .venv/bin/python data/train_networks.py brush_flow --photos PHOTOS

A run that was stopped goes on from its last checkpoint when the same command is given again.
"""

import argparse
from pathlib import Path

import nstlib as nst

ASSETS = Path(nst.__file__).parent / "assets"
STYLE_SIZE = 384  # longer side, in px: sets how large the strokes are


def train_style(name: str, photos: Path, work: Path, steps: int) -> Path:
    """Trains the network of one style and writes it to where it ships from."""
    facts = nst.catalogue().set_index("name").loc[name]
    result = nst.train(
        nst.style(name, size=STYLE_SIZE),
        photos,
        name=name,
        licence=facts["licence"],
        steps=steps,
        size=192,
        checkpoint=work / name,
    )
    work.mkdir(parents=True, exist_ok=True)
    result.history.to_csv(work / f"{name}.csv", index=False)
    return nst.save_network(result.network, ASSETS / "networks" / f"{name}.npz", dtype="float16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=["trunk", *nst.style_names(), *nst.painting_names()])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    parser.add_argument("--steps", type=int, default=3000, help="batches for a style")
    arguments = parser.parse_args()
    if arguments.name == "trunk":
        network = nst.train_identity(arguments.photos)
        print(nst.save_network(network, ASSETS / "trunk.npz", dtype="float16"))
    else:
        print(train_style(arguments.name, arguments.photos, arguments.work, arguments.steps))


if __name__ == "__main__":
    main()
