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
one colour.) A style whose marks are large beside a crop is trained a third time, with a smaller style image. The first
training of The Starry Night starts from the trunk, which redraws its input; that of every other style starts from the
first network of The Starry Night. A slim network, a quarter as wide, first learns to imitate the wide one of its style,
starting from the imitation of The Starry Night, and is then trained once, as that one was last.

Whether a network is made anew depends on its own training alone, not on those before it: after a change of an earlier
one, delete what came of it.
"""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.data.pictures import style_size
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.distillation import train_identity
from nstlib.johnson.network import trunk
from nstlib.johnson.saved import read_network
from nstlib.johnson.training import FIRST, PENALTIES

ASSETS = Path(nst.__file__).parent / "assets"


class Row(NamedTuple):
    """One style of the table: β and steps of each training of the wide network."""

    style_weights: tuple[float, ...]
    steps: tuple[int, ...] = (1200, 3000)


TABLE = {
    "starry_night": Row((5, 10), steps=(4400, 3000)),
    "brush_flow": Row((5, 10)),
    "wave": Row((5, 8)),
    "linocut": Row((5, 8)),
    "composition_vii": Row((8, 14)),
    "cubist_planes": Row((5, 10)),
    "the_scream": Row((5, 10)),
    "udnie": Row((5, 7, 9), steps=(1200, 3000, 600)),
    "stained_glass": Row((5, 8, 10), steps=(1200, 3000, 600)),
    "woodblock_wave": Row((5, 6)),
}
SLIM_STEPS = 1500  # after the imitation
OF_IDENTITY = nst.Schedule(steps=1000, size=128, small_share=0, batch_size=2, learning_rate=2e-3)
OF_IMITATION = nst.Schedule(steps=1500, size=192, small_share=0, learning_rate=2e-3)


class Training(NamedTuple):
    """What one training of a style minimises, and how long it takes."""

    style: str
    style_size: int
    objective: nst.PerceptualLoss
    schedule: nst.Schedule

    def is_done(self, path: Path) -> bool:
        """Whether a network of this training is there."""
        if not path.is_file():
            return False
        terms = {
            "style_size": self.style_size,
            "objective": self.objective.settings(),
            "penalties": PENALTIES,
            **dataclasses.asdict(self.schedule),
        }
        # Cards have the size since style images may have different ones.
        return terms.items() <= {"style_size": STYLE_SIZE, **read_network(path).card}.items()


def last(name: str) -> int:
    """The number of the last training of a style's wide network, counted from 0."""
    return len(TABLE[name].steps) - 1


def wide_training(name: str, number: int, batch_size: int) -> Training:
    """Training `number` of a wide network, counted from 0; the last has the size of its style image."""
    row = TABLE[name]
    size = style_size(name) if number == last(name) else STYLE_SIZE
    small = {"small_share": 0.0} if number else {}
    return Training(
        name,
        size,
        nst.training_objective(row.style_weights[number]),
        nst.Schedule(steps=row.steps[number], batch_size=batch_size, **small),
    )


def slim_training(name: str, batch_size: int) -> Training:
    """The training of a slim network: as the last one of the wide network, and of another length."""
    wide = wide_training(name, last(name), batch_size)
    return wide._replace(schedule=dataclasses.replace(wide.schedule, steps=SLIM_STEPS))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Where things are, and how large a batch is; its methods train what is missing.

    Attributes:
        output: folder of the networks that ship; the slim ones lie in `slim` in there.
        work: folder for checkpoints, and for the networks of all but the last trainings.
        photos: folder of photos to train on.
        batch_size: crops a batch.
    """

    output: Path
    work: Path
    photos: Path
    batch_size: int

    def shipped(self, name: str, *, slim: bool) -> Path:
        """The network of a style as it ships, trained unless it is there; the path of its file."""
        if not slim:
            return self.wide(name, last(name))
        path = self.output / "slim" / f"{name}.npz"
        return self.trained(path, slim_training(name, self.batch_size), self.imitation)

    def wide(self, name: str, number: int) -> Path:
        """The wide network after training `number`, trained unless it is there; the path of its file."""
        kept = self.work / f"{name}_{number + 1}.npz"
        path = self.output / f"{name}.npz" if number == last(name) else kept

        def before(name: str) -> nst.Network:
            if number:
                return nst.load_network(self.wide(name, number - 1))
            return trunk() if name == FIRST else nst.load_network(self.wide(FIRST, 0))

        return self.trained(path, wide_training(name, number, self.batch_size), before)

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

    def trained(self, path: Path, training: Training, start: Callable[[str], nst.Network]) -> Path:
        """Trains the network of a file, unless it is there, from what `start` makes of the style; the path."""
        if training.is_done(path):
            return path
        name, size, objective, schedule = training
        begun = start(name)
        # All that the table can change: a state of another recipe would be refused.
        run = f"{path.stem}_{size}_px_{schedule.steps}_steps_of_{self.batch_size}_from_{begun.fingerprint}"
        result = nst.train(
            nst.style(name, size=size),
            self.photos,
            schedule=schedule,
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
