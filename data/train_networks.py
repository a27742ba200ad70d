"""Trains the networks that ship with nstlib: one wide and one slim network a style, by one table.

From a checkout, with a folder of photos to train on (a few hundred are enough) and, for the five paintings, the data
folder set to where they are:

    .venv/bin/python data/train_networks.py --photos PHOTOS --bfloat16

trains whatever is missing or was made by another recipe, in the order of the table, and goes on where it was stopped.
Names after it, or --slim, train a part of the table; two such commands may run side by side once the network of The
Starry Night is there. On a GPU, by way of Keras' JAX backend and with larger batches:

    KERAS_BACKEND=jax .venv/bin/python data/train_networks.py --photos PHOTOS --batch-size 4

Each network is trained twice, the second time from the first, on large crops alone and with more weight on the style:
the first training keeps what the photo shows, the second paints it. (The large weight from the start leaves patches of
one colour.) The first training of The Starry Night starts from the trunk, which redraws its input; that of every other
style starts from the first network of The Starry Night. A slim network, a quarter as wide, first learns to imitate the
wide one of its style, starting from the imitation of The Starry Night, and is then trained once, as that one was last.
"""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import nstlib as nst
from nstlib.data.pictures import style_size
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.distillation import train_identity
from nstlib.johnson.network import trunk
from nstlib.johnson.training import FIRST, PENALTIES

ASSETS = Path(nst.__file__).parent / "assets"


class Row(NamedTuple):
    """One style of the table: β and steps of the two trainings of the wide network."""

    style_weights: tuple[float, float]
    steps: tuple[int, int] = (1200, 700)


TABLE = {
    "starry_night": Row((5, 10), steps=(4400, 3000)),
    "brush_flow": Row((5, 10)),
    "wave": Row((5, 8), steps=(1200, 3000)),
    "linocut": Row((5, 8)),
    "composition_vii": Row((8, 14), steps=(1200, 3000)),
    "cubist_planes": Row((5, 10)),
    "the_scream": Row((5, 10), steps=(1200, 3000)),
    "udnie": Row((5, 7), steps=(1200, 3000)),
    "stained_glass": Row((5, 8)),
    "woodblock_wave": Row((5, 6)),
}
SLIM_STEPS = 500  # after the imitation
OF_IDENTITY = nst.Schedule(steps=1000, size=128, small_share=0, batch_size=2, learning_rate=2e-3)
OF_IMITATION = nst.Schedule(steps=1500, size=192, small_share=0, learning_rate=2e-3)


def schedule(name: str, *, first: bool = False, slim: bool, batch_size: int) -> nst.Schedule:
    """How long the last training of a network takes, or the first one of a wide network."""
    steps = SLIM_STEPS if slim else TABLE[name].steps[0 if first else 1]
    small = {} if first else {"small_share": 0.0}
    return nst.Schedule(steps=steps, batch_size=batch_size, **small)


def is_done(path: Path, objective: nst.PerceptualLoss, size: int, wanted: nst.Schedule) -> bool:
    """Whether a network of this recipe is there."""
    if not path.is_file():
        return False
    card = nst.load_network(path).card
    numbers = dataclasses.asdict(wanted)
    terms = {"objective": objective.settings(), "penalties": PENALTIES, "style_size": size}
    return (terms | numbers).items() <= card.items()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Where things are, and how large a batch is; its methods train what is missing.

    Attributes:
        output: folder of the networks that ship; the slim ones lie in `slim` in there.
        work: folder for checkpoints, and for the networks of the first trainings.
        photos: folder of photos to train on.
        batch_size: crops a batch.
    """

    output: Path
    work: Path
    photos: Path
    batch_size: int

    def shipped(self, name: str, *, slim: bool) -> Path:
        """The network of a style as it ships, trained unless it is there; the path of its file."""
        start = self.imitation if slim else self.first
        path = (self.output / "slim" if slim else self.output) / f"{name}.npz"
        wanted = schedule(name, slim=slim, batch_size=self.batch_size)
        return self.trained(path, start, name, TABLE[name].style_weights[1], wanted)

    def first(self, name: str) -> nst.Network:
        """The wide network after its first training."""
        path = self.work / f"{name}_first.npz"
        wanted = schedule(name, first=True, slim=False, batch_size=self.batch_size)
        start = self.starting
        return nst.load_network(
            self.trained(path, start, name, TABLE[name].style_weights[0], wanted)
        )

    def starting(self, name: str) -> nst.Network:
        """What the first training of a wide network starts from."""
        return trunk() if name == FIRST else self.first(FIRST)

    def imitation(self, name: str) -> nst.Network:
        """A slim network that paints as the wide one of a style does."""
        wide = nst.load_network(self.shipped(name, slim=False))
        path = self.work / f"imitation_of_{wide.fingerprint}.npz"
        if not path.is_file():
            start = self.slim_identity() if name == FIRST else self.imitation(FIRST)
            slim = nst.distill(wide, self.photos, schedule=OF_IMITATION, start=start)
            nst.save_network(slim, path)
        return nst.load_network(path)

    def slim_identity(self) -> nst.Network:
        """A slim network that redraws its input."""
        return train_identity(self.photos, schedule=OF_IDENTITY, width=SLIM_WIDTH)

    def trained(
        self,
        path: Path,
        start: Callable[[str], nst.Network],
        name: str,
        style_weight: float,
        wanted: nst.Schedule,
    ) -> Path:
        """Trains the network of a file, unless it is there, from what `start` makes of the name; the path."""
        objective, size = nst.training_objective(style_weight), style_size(name)
        if is_done(path, objective, size, wanted):
            return path
        begun = start(name)
        # All that the table and the command can change: a state of another recipe would be refused.
        run = f"{path.stem}_{size}_px_{wanted.steps}_steps_of_{self.batch_size}_from_{begun.fingerprint}"
        result = nst.train(
            nst.style(name, size=size),
            self.photos,
            schedule=wanted,
            objective=objective,
            start=begun,
            checkpoint=self.work / f"{run}_{objective.fingerprint}",
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
    for each in (options.output / "slim", options.work):
        each.mkdir(parents=True, exist_ok=True)  # now, and not after the training
    if options.bfloat16:
        nst.use_bfloat16()
    recipe = Recipe(options.output, options.work, options.photos, options.batch_size)
    for name in options.names or TABLE:
        print(recipe.shipped(name, slim=options.slim), flush=True)


if __name__ == "__main__":
    main()
