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
style starts from the first network of The Starry Night. A slim network, a quarter as wide, first learns to imitate that
one.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.distillation import train_identity
from nstlib.johnson.network import trunk
from nstlib.johnson.training import FIRST

ASSETS = Path(nst.__file__).parent / "assets"


class Row(NamedTuple):
    """One style of the table: β and steps of the two trainings, those of the slim network last."""

    style_weights: tuple[float, float]
    steps: tuple[int, int] = (1200, 700)
    slim_steps: tuple[int, int] = (400, 500)


TABLE = {
    "starry_night": Row((5, 10), steps=(4400, 700), slim_steps=(600, 500)),
    "brush_flow": Row((5, 10)),
    "wave": Row((5, 8)),
    "linocut": Row((5, 8)),
    "composition_vii": Row((8, 14)),
    "cubist_planes": Row((5, 10)),
    "the_scream": Row((5, 10)),
    "udnie": Row((5, 9)),
    "stained_glass": Row((5, 8)),
    "woodblock_wave": Row((5, 6)),
}
OF_IDENTITY = nst.Schedule(steps=1000, size=128, small_share=0, batch_size=2, learning_rate=2e-3)
OF_IMITATION = nst.Schedule(steps=1500, size=192, small_share=0, learning_rate=3e-3)


def schedule(name: str, stage: int, *, slim: bool, batch_size: int) -> nst.Schedule:
    """How long the first (0) or the second (1) training of a style takes."""
    row = TABLE[name]
    steps = (row.slim_steps if slim else row.steps)[stage]
    small = {"small_share": 0.0} if stage else {}
    return nst.Schedule(steps=steps, batch_size=batch_size, **small)


def is_done(path: Path, objective: nst.PerceptualLoss, wanted: nst.Schedule) -> bool:
    """Whether a network of this recipe is there."""
    if not path.is_file():
        return False
    card = nst.load_network(path).card
    numbers = dataclasses.asdict(wanted)
    return card.get("objective") == objective.settings() and numbers.items() <= card.items()


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

    def path(self, name: str, stage: int, *, slim: bool) -> Path:
        """Where the network of the first (0) or the second (1) training is."""
        if stage == 0:
            return self.work / f"{name}_{'slim' if slim else 'wide'}_first.npz"
        return (self.output / "slim" if slim else self.output) / f"{name}.npz"

    def trained(self, name: str, stage: int = 1, *, slim: bool) -> Path:
        """The network of a style, trained unless it is there; the path of its file."""
        path = self.path(name, stage, slim=slim)
        objective = nst.training_objective(TABLE[name].style_weights[stage])
        wanted = schedule(name, stage, slim=slim, batch_size=self.batch_size)
        if is_done(path, objective, wanted):
            return path
        start = self.start(name, stage, slim=slim)
        # All that the table and the command can change: a state of another recipe would be refused.
        run = f"{name}_{'slim' if slim else 'wide'}_{wanted.steps}_steps_of_{self.batch_size}"
        result = nst.train(
            nst.style(name, size=STYLE_SIZE),
            self.photos,
            schedule=wanted,
            objective=objective,
            start=start,
            checkpoint=self.work / f"{run}_from_{start.fingerprint}_{objective.fingerprint}",
        )
        licence = nst.catalogue().set_index("name").loc[name, "licence"]
        return nst.save_network(result.network.labelled(name, licence), path, dtype="float16")

    def start(self, name: str, stage: int, *, slim: bool) -> nst.Network:
        """What a training starts from."""
        if stage == 1:
            return nst.load_network(self.trained(name, 0, slim=slim))
        if name != FIRST:
            return nst.load_network(self.trained(FIRST, 0, slim=slim))
        return self.imitation() if slim else trunk()

    def imitation(self) -> nst.Network:
        """A slim network that paints as the first wide one of The Starry Night does."""
        wide = nst.load_network(self.trained(FIRST, 0, slim=False))
        path = self.work / f"imitation_of_{wide.fingerprint}.npz"
        if not path.is_file():
            start = train_identity(self.photos, schedule=OF_IDENTITY, width=SLIM_WIDTH)
            slim = nst.distill(wide, self.photos, schedule=OF_IMITATION, start=start)
            nst.save_network(slim, path)
        return nst.load_network(path)


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
        print(recipe.trained(name, slim=options.slim), flush=True)


if __name__ == "__main__":
    main()
