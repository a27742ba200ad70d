"""Trains the networks that ship with nstlib: the trunk, and one network for each style.

One command for each, from a checkout, with a folder of photos to train on (a few hundred are enough) and, for the five
paintings, the data folder set to where they are:

    .venv/bin/python data/train_networks.py trunk --photos PHOTOS
    .venv/bin/python data/train_networks.py starry_night --photos PHOTOS
    .venv/bin/python data/train_networks.py wave --photos PHOTOS

The Starry Night starts from the trunk, every other style from The Starry Night. A run that was stopped goes on from its
last checkpoint when the same command is given again (but for the trunk and what imitates). When all ten are there, each
has further rounds, from itself, each on other crops:

    .venv/bin/python data/train_networks.py wave --again --photos PHOTOS

Those that ship had two: one of 1,000 (paintings) or 700 steps, on the crops of the first round and before `nst.train`
had a penalty on peaks, and one of 1,800 or 1,200 with it. Then, all but the_scream, udnie and wave had one on a GPU, by
way of Keras' JAX backend, of more and larger crops (of the photos as WebP of quality 79), in 27 to 38 seconds each:

    KERAS_BACKEND=jax .venv/bin/python data/train_networks.py starry_night --again --steps 3300 --size 224 \
        --batch-size 4 --photos PHOTOS

Without a GPU again came the first round of pointillist with a checkerboard weight, and one of udnie:

    .venv/bin/python data/train_networks.py pointillist --again --steps 3000 --photos PHOTOS
    .venv/bin/python data/train_networks.py udnie --again --steps 2600 --photos PHOTOS

Then, all but cubist_planes, linocut and starry_night had one more round like that on the GPU, and brush_flow two. Last,
without a GPU, brush_flow and pointillist had one with a smoothness weight, and composition_vii one with a greater style
weight:

    .venv/bin/python data/train_networks.py brush_flow --again --steps 2000 --photos PHOTOS
    .venv/bin/python data/train_networks.py pointillist --again --steps 2000 --bfloat16 --photos PHOTOS
    .venv/bin/python data/train_networks.py composition_vii --again --steps 1800 --bfloat16 --photos PHOTOS

A loop of its own took the steps on the GPU, with the arithmetic of `nst.train` but one compilation for all styles and,
as the cards say, convolutions in TensorFloat-32: over ten steps from wave and from brush_flow, both gave the same mean
losses to within 0.1 % (in float32). The rounds in float32 on a processor, of brush_flow, pointillist and udnie, wide
and slim, did not take the seconds of `nst.train` as it stands either: as the cards say, the extractor's convolutions
went through a kernel that is faster on processors with AVX2 alone, equal but for rounding. Run now, the commands give
every style its weights from the first round on; of the networks that ship, pointillist, wide and slim, had its
checkerboard weight in its last three and four rounds; the smoothness weights and the greater style weight of
composition_vii came in the last alone, in the last two of the slim brush_flow and composition_vii.

How much a round owes to its seed: benchmarks/repeat.py.

The slim networks are a quarter as wide. That of The Starry Night first learned to imitate the wide one, as it then was,
and had a round of its own; every other starts from it. All ten had a further round, --slim --again;
composition_vii, pointillist, the_scream and wave two, stained_glass three, udnie four; then, all one of 3,300 steps on
the GPU, as above with --slim, brush_flow, pointillist and stained_glass two; and last, brush_flow and composition_vii
two and pointillist one, as the others had before the GPU but of 1,000 to 2,000 steps, with the weights of the wide ones
and, but for the first of brush_flow, in bfloat16:

    .venv/bin/python data/train_networks.py starry_night --slim --photos PHOTOS
    .venv/bin/python data/train_networks.py starry_night --slim --again --photos PHOTOS
    .venv/bin/python data/train_networks.py wave --slim --photos PHOTOS
    .venv/bin/python data/train_networks.py wave --slim --again --photos PHOTOS
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.transformer import SLIM_WIDTH

ASSETS = Path(nst.__file__).parent / "assets"
FIRST = "starry_night"
IMITATION = "imitation of the wide network"
STEPS = {FIRST: 2600, "the_scream": 1400, "composition_vii": 1400, "udnie": 1400}
STEPS_OF_OTHERS = 700
STEPS_AGAIN = {"paintings": 1800, "others": 1200}
SLIM_STEPS, SLIM_STEPS_OF_IMITATION = 1000, 4000
# What a card says of one round.
OF_A_ROUND = (
    "start",
    "steps",
    "size",
    "batch_size",
    "photos",
    "checkerboard_weight",
    "smoothness_weight",
    "seconds",
    "precision",
    "backend",
    "machine",
)
# What a round of an older card that does not say it shares with the last on that card.
ALIKE = ("size", "batch_size", "photos", "precision", "backend", "machine")
# At the weight that suits the others the even paper of The Great Wave would take faces away, and Composition VII stays
# farther from its style image in patch distance than its original authors' network.
STYLE_WEIGHTS = {"composition_vii": 9, "wave": 3}
# Its dots are as small as the network's stride, which sets them in rows.
CHECKERBOARD_WEIGHTS = {"pointillist": 400.0}
# The red sun of brush_flow came back as round dark spots on whatever is warm and even, the fields of dots of
# pointillist as clouds.
SMOOTHNESS_WEIGHTS = {"brush_flow": 80.0, "pointillist": 80.0}


def plan(name: str, *, again: bool, slim: bool) -> tuple[nst.Network, int]:
    """What a training starts from, and its steps."""
    width = SLIM_WIDTH if slim else 1.0
    if again:
        start = nst.load_network(name, width=width)
        kind = "paintings" if name in nst.painting_names() else "others"
        return start, SLIM_STEPS if slim else STEPS_AGAIN[kind]
    if name == FIRST:
        return nst.trunk(), STEPS[FIRST]
    start = nst.load_network(FIRST, width=width)
    return start, SLIM_STEPS if slim else STEPS.get(name, STEPS_OF_OTHERS)


def train_style(
    name: str, start: nst.Network, photos: Path, work: Path, **crops: int
) -> nst.Network:
    """Trains the network of one style; `crops` are steps, size and batch_size."""
    objective = nst.training_objective()
    weight = STYLE_WEIGHTS.get(name, objective.style_weight)
    result = nst.train(
        nst.style(name, size=STYLE_SIZE),
        photos,
        name=name,
        licence=nst.catalogue().set_index("name").loc[name, "licence"],
        objective=dataclasses.replace(objective, style_weight=weight),
        checkerboard_weight=CHECKERBOARD_WEIGHTS.get(name, 0.0),
        smoothness_weight=SMOOTHNESS_WEIGHTS.get(name, 0.0),
        start=start,
        seed=rounds(start.card, name),
        checkpoint=work / f"{name}_from_{start.fingerprint}",
        checkpoint_every=200,
        **crops,
    )
    card = dict(result.network.card)
    if start.card.get("style") == name:
        card |= earlier_training(start.card)
    return dataclasses.replace(result.network, card=card)


def rounds(card: dict, name: str) -> int:
    """How many rounds a network had for this style, given its card."""
    if card.get("style") != name:
        return 0
    return ("steps" in card) + len(card.get("earlier_rounds", []))


def earlier_training(card: dict) -> dict:
    """What the card of a further round says of those before it, given the card of the last."""
    imitation = {key: card[key] for key in ["distilled"] if key in card}
    if "steps" not in card:
        return imitation | {"start": IMITATION}
    finished = {key: card[key] for key in OF_A_ROUND if key in card}  # older cards lack some
    alike = {key: finished[key] for key in ALIKE if key in finished}
    earlier = [alike | each for each in card.get("earlier_rounds", [])]
    return imitation | {"earlier_rounds": [*earlier, finished]}


def imitate_first(photos: Path) -> nst.Network:
    """The slim network of The Starry Night, before it is trained itself; its card tells of the imitation alone."""
    start = nst.train_identity(photos, steps=1500, width=SLIM_WIDTH)
    wide = nst.load_network(FIRST)
    slim = nst.distill(wide, photos, steps=SLIM_STEPS_OF_IMITATION, batch_size=1, start=start)
    card = {"style": FIRST, "distilled": slim.card["distilled"]}
    return dataclasses.replace(slim, card=card)


def ship(network: nst.Network, path: Path) -> Path:
    """Writes a network as one that ships."""
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
    parser.add_argument("--output", type=Path, default=ASSETS, help="folder to write to")
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="convolutions in bfloat16, on a processor that has instructions for it: nearly twice as fast",
    )
    parser.add_argument("--again", action="store_true", help="another round, from what ships now")
    parser.add_argument("--slim", action="store_true", help="the slim network of the style")
    parser.add_argument("--steps", type=int, help="batches [default: the recipe's]")
    parser.add_argument("--size", type=int, default=192, help="side of the crops in px")
    parser.add_argument("--batch-size", type=int, default=1, help="crops a batch")
    arguments = parser.parse_args()
    folder = arguments.output / ("networks/slim" if arguments.slim else "networks")
    folder.mkdir(parents=True, exist_ok=True)  # now, and not after the training
    if arguments.bfloat16:
        nst.use_bfloat16()
    if arguments.name == "trunk":
        steps = {} if arguments.steps is None else {"steps": arguments.steps}
        network = nst.train_identity(arguments.photos, **steps)
        print(nst.save_network(network, arguments.output / "trunk.npz", dtype="float16"))
        return
    if arguments.name == FIRST and arguments.slim and not arguments.again:
        network = imitate_first(arguments.photos)
    else:
        start, steps = plan(arguments.name, again=arguments.again, slim=arguments.slim)
        network = train_style(
            arguments.name,
            start,
            arguments.photos,
            arguments.work,
            steps=steps if arguments.steps is None else arguments.steps,
            size=arguments.size,
            batch_size=arguments.batch_size,
        )
    print(ship(network, folder / f"{arguments.name}.npz"))


if __name__ == "__main__":
    main()
