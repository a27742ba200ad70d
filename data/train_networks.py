"""Trains the networks that ship with nstlib: one wide and one slim network a style, by one table.

From a checkout, with a folder of photos to train on (a few hundred are enough) and, for the five paintings, the data
folder set to where they are:

    .venv/bin/python data/train_networks.py --photos PHOTOS --bfloat16

trains whatever is missing or was made by another recipe, in the order of the table, and goes on where it was stopped.
Names after it, or --slim, train a part of the table; two such commands may run side by side once the network of The
Starry Night is there. On a GPU, by way of Keras' JAX backend and with larger batches:

    KERAS_BACKEND=jax .venv/bin/python data/train_networks.py --photos PHOTOS --batch-size 4

The Starry Night starts from the trunk, which redraws its input; every other style starts from The Starry Night. A slim
network, a quarter as wide, first learns to imitate the wide one of The Starry Night; the others start from that.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import nstlib as nst
from nstlib.data.pictures import STYLE_SIZE
from nstlib.johnson.distillation import train_identity
from nstlib.johnson.network import SLIM_WIDTH, trunk
from nstlib.johnson.training import FIRST

ASSETS = Path(nst.__file__).parent / "assets"


class Row(NamedTuple):
    """One style of the table: β, and the steps of its wide and of its slim network."""

    style_weight: float
    steps: int
    slim_steps: int


TABLE = {
    "starry_night": Row(5, 4400, 600),
    "brush_flow": Row(5, 1200, 400),
    "wave": Row(5, 1200, 400),
    "linocut": Row(5, 1200, 400),
    "composition_vii": Row(8, 1200, 400),
    "cubist_planes": Row(5, 1200, 400),
    "the_scream": Row(5, 1200, 400),
    "udnie": Row(5, 1200, 400),
    "stained_glass": Row(5, 1200, 400),
    "woodblock_wave": Row(5, 1200, 400),
}
OF_IDENTITY = nst.Schedule(steps=1000, size=128, small_share=0, batch_size=2, learning_rate=2e-3)
OF_IMITATION = nst.Schedule(steps=1500, size=192, small_share=0, learning_rate=3e-3)


def schedule(name: str, *, slim: bool, batch_size: int) -> nst.Schedule:
    """How long the training of a style takes."""
    row = TABLE[name]
    return nst.Schedule(steps=row.slim_steps if slim else row.steps, batch_size=batch_size)


def is_done(path: Path, objective: nst.PerceptualLoss, wanted: nst.Schedule) -> bool:
    """Whether a network of this recipe is there."""
    if not path.is_file():
        return False
    card = nst.load_network(path).card
    numbers = dataclasses.asdict(wanted)
    return card.get("objective") == objective.settings() and numbers.items() <= card.items()


def start_of(name: str, folder: Path, photos: Path, work: Path, *, slim: bool) -> nst.Network:
    """What the training of a style starts from."""
    if name != FIRST:
        return nst.load_network(folder / f"{FIRST}.npz")
    return imitation(folder.parent / f"{FIRST}.npz", photos, work) if slim else trunk()


def imitation(wide: Path, photos: Path, work: Path) -> nst.Network:
    """A slim network that paints as the wide one of The Starry Night does; kept in the folder for checkpoints."""
    network = nst.load_network(wide)
    path = work / f"imitation_of_{network.fingerprint}.npz"
    if not path.is_file():
        start = train_identity(photos, schedule=OF_IDENTITY, width=SLIM_WIDTH)
        slim = nst.distill(network, photos, schedule=OF_IMITATION, start=start)
        nst.save_network(slim, path)
    return nst.load_network(path)


def train_style(
    name: str, folder: Path, photos: Path, work: Path, *, slim: bool, batch_size: int
) -> Path:
    """The network of one style, trained unless it is there; the path of its file."""
    path = folder / f"{name}.npz"
    objective = nst.training_objective(TABLE[name].style_weight)
    wanted = schedule(name, slim=slim, batch_size=batch_size)
    if is_done(path, objective, wanted):
        return path
    start = start_of(name, folder, photos, work, slim=slim)
    # All that the table and the command can change: a state of another recipe would be refused.
    run = f"{name}_{'slim' if slim else 'wide'}_{wanted.steps}_steps_of_{batch_size}"
    result = nst.train(
        nst.style(name, size=STYLE_SIZE),
        photos,
        schedule=wanted,
        objective=objective,
        start=start,
        checkpoint=work / f"{run}_from_{start.fingerprint}_{objective.fingerprint}",
    )
    licence = nst.catalogue().set_index("name").loc[name, "licence"]
    return nst.save_network(result.network.labelled(name, licence), path, dtype="float16")


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains the networks that the arguments name; those of the command line unless given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="STYLE", help="[default: all of the table]")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    parser.add_argument("--output", type=Path, default=ASSETS / "networks", help="where to write")
    parser.add_argument("--slim", action="store_true", help="the slim networks")
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16")
    parser.add_argument("--batch-size", type=int, default=1, help="crops a batch")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(TABLE))
    if unknown:
        parser.error(f"no row of the table: {', '.join(unknown)}; rows: {', '.join(TABLE)}")
    folder = options.output / "slim" if options.slim else options.output
    for each in (folder, options.work):
        each.mkdir(parents=True, exist_ok=True)  # now, and not after the training
    if options.bfloat16:
        nst.use_bfloat16()
    for name in options.names or TABLE:
        common = {"slim": options.slim, "batch_size": options.batch_size}
        print(train_style(name, folder, options.photos, options.work, **common), flush=True)


if __name__ == "__main__":
    main()
