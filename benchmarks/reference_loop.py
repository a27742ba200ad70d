"""Our optimisation beside the loop that most copies of the TensorFlow tutorial on style transfer run, on its objective.

    .venv/bin/python benchmarks/reference_loop.py --size 512

The reference is written here as the tutorial has it (tensorflow.org/tutorials/generative/style_transfer): style at
the first convolution of each of the five blocks, content at the second of the fifth, weights 1e-2 and 1e4, total
variation 30, Adam with rate 0.02, beta_1 0.99 and epsilon 0.1, from the content image. It runs on the VGG-16 of nstlib
in place of the tutorial's VGG-19, whose weights are a download; its features are brought to the scale of the
tutorial's, which reads pixels up to 255. `vgg19_seconds_per_eval` says what a gradient costs with a VGG-19 (random
weights). Then nstlib minimises the same objective until it is as low as after 500 steps of that:
from the photo and from the output of the shipped network, each in float32 and, where the processor has it, in bfloat16
with the last evaluations in float32.
L-BFGS stalls at the kinks of the tutorial's total variation, a sum of absolute values, so it is led by a smooth one,
and judged by the tutorial's, in float32. It runs at a quarter and at half of the size first. A sum of differences over
all pixels is twice as large for the same picture at twice the size, while the tutorial's other terms are means: the
weight of the total variation is divided by the scale, so that the small pictures weigh it as the full one does.

Writes results/tables/benchmark_reference_SIZE.csv, a row for each pair, start and precision, and
benchmark_reference_SIZE_summary.csv, after each pair; rows that the table holds are not done again, unless the weights
of the network changed. A row is compared with the seconds of the reference that its pair has in the table: run what is
missing on the machine that these were measured on, or delete the pair's rows first.
"""

import argparse
import time

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from common import PAIRS, full_results

import nstlib as nst
from nstlib.objective.perceptual import LossTerms

STYLE_LAYERS = [f"relu{block}_1" for block in range(1, 6)]
CONTENT_LAYER = "relu5_2"
STYLE_WEIGHT, CONTENT_WEIGHT, VARIATION_WEIGHT = 1e-2, 1e4, 30
FEATURE_SCALE = (
    255 * 0.226
)  # nstlib's VGG-16 reads pixels in units of ImageNet's deviation, 0.226 in the mean
STEPS = 500
SCALES = {0.25: 200, 0.5: 100, 1: STEPS}  # evaluations at each share of the size, at most
PRECISIONS = ("float32", "bfloat16") if nst.machine.has_bfloat16() else ("float32",)
PLANS = {name: [(*each, name) for each in SCALES.items()] for name in PRECISIONS}
if "bfloat16" in PLANS:  # in which the loss may look lower than it is
    PLANS["bfloat16"].append((1, STEPS, "float32"))
REFERENCE = [
    "target",
    "reference_seconds",
    "reference_seconds_per_eval",
    "vgg19_seconds_per_eval",
]
ROUNDING = 0.001  # difference of two pixels below which the total variation that leads the search is a parabola


class TutorialObjective:
    """The tutorial's loss with the interface of `nst.PerceptualLoss`, so that `nst.gatys` can minimise it."""

    def __init__(self):
        names = [*STYLE_LAYERS, CONTENT_LAYER]
        self.extractor = nst.feature_extractor(names, pooling="max")

    def extract(self, images):
        return {name: FEATURE_SCALE * x for name, x in self.extractor(images).items()}

    def content_targets(self, images):
        return self.extract(images)[CONTENT_LAYER]

    def style_targets(self, images):
        features = self.extract(images)
        return {name: gram(features[name]) for name in STYLE_LAYERS}

    def __call__(self, images, content_targets, style_targets):
        features = self.extract(images)
        style = STYLE_WEIGHT * tf.add_n(
            [
                tf.reduce_mean((gram(features[name]) - style_targets[name]) ** 2)
                for name in STYLE_LAYERS
            ]
        )
        style /= len(STYLE_LAYERS)
        content = CONTENT_WEIGHT * tf.reduce_mean((features[CONTENT_LAYER] - content_targets) ** 2)
        variation = VARIATION_WEIGHT * tf.reduce_sum(tf.image.total_variation(images))
        return LossTerms(style + content + variation, content, style, variation)


class SmoothObjective(TutorialObjective):
    """Without the kinks of the total variation in `total`, weighed for a share of the size; `tv` is the tutorial's."""

    def __init__(self, scale: float):
        super().__init__()
        self.variation_weight = VARIATION_WEIGHT / scale

    def __call__(self, images, content_targets, style_targets):
        exact = super().__call__(images, content_targets, style_targets)
        down, right = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
        variation = self.variation_weight * tf.add_n(
            [tf.reduce_sum(tf.sqrt(each**2 + ROUNDING**2) - ROUNDING) for each in (down, right)]
        )
        return exact._replace(total=exact.content + exact.style + variation)


def gram(features):
    """As in the tutorial: the sum over positions divided by their number."""
    positions = tf.cast(tf.shape(features)[1] * tf.shape(features)[2], tf.float32)
    return tf.linalg.einsum("bijc,bijd->bcd", features, features) / positions


def run_reference(photo: np.ndarray, style: np.ndarray, objective) -> pd.DataFrame:
    """The tutorial's loop: seconds and total loss before each of its steps, tracing included."""
    start = time.perf_counter()
    content_targets = objective.content_targets(tf.constant(photo[None]))
    style_targets = objective.style_targets(tf.constant(style[None]))
    image = tf.Variable(photo[None])
    optimizer = keras.optimizers.Adam(learning_rate=0.02, beta_1=0.99, epsilon=1e-1)
    optimizer.build([image])

    @tf.function
    def train_step():
        with tf.GradientTape() as tape:
            loss = objective(image, content_targets, style_targets).total
        gradient = tape.gradient(loss, image)
        optimizer.apply_gradients([(gradient, image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return loss

    rows = []
    for _ in range(STEPS + 1):
        loss = float(train_step())
        rows.append({"seconds": time.perf_counter() - start, "total": loss})
    return pd.DataFrame(rows)


def seconds_until(photo, style, target: float, init: np.ndarray, plan) -> dict:
    """Seconds until the tutorial's total at full size is at most `target`, and the evals that it took at full size."""

    def low_enough(row):
        return row["content"] + row["style"] + row["tv"] <= target

    seconds, full = 0.0, 0
    for scale, evals, precision in plan:
        nst.use_bfloat16(precision == "bfloat16")
        size = [round(scale * side) for side in photo.shape[:2]]
        result = nst.gatys(
            nst.resize(photo, size),
            nst.resize(style, [round(scale * side) for side in style.shape[:2]]),
            objective=SmoothObjective(scale),
            init=nst.resize(init, size),
            steps=evals,
            max_evals=evals,
            scales=(1,),
            on_step=low_enough if scale == 1 else None,
            progress=False,
        )
        init, last = result.image, result.history.iloc[-1]
        seconds += last["seconds"]
        full += int(last["evals"]) if scale == 1 else 0
    return {"image": init, "seconds": seconds, "evals": full}


def reference(photo: np.ndarray, style: np.ndarray, objective) -> dict:
    """The loss that the tutorial's loop ends at, and its seconds."""
    run = run_reference(photo, style, objective)
    return {
        "target": run["total"].iloc[-1],
        "reference_seconds": run["seconds"].iloc[-1],
        "reference_seconds_per_eval": run["seconds"].diff().median(),
        "vgg19_seconds_per_eval": vgg19_seconds_per_eval(photo),
    }


def run_pair(photo_name: str, style_name: str, size: int, earlier: pd.DataFrame) -> pd.DataFrame:
    """The pair's rows of the table; those that it has from earlier runs stay, unless the network changed."""
    network = nst.load_network(style_name)
    weights = {"photo": "", "network": network.fingerprint}
    kept = earlier[earlier["weights"] == earlier["start"].map(weights)]
    done = set(zip(kept["start"], kept["precision"], strict=True))
    wanted = [(start, precision) for precision in PLANS for start in weights]
    if done.issuperset(wanted):
        return kept
    photo, style = nst.photo(photo_name, size=size), nst.style(style_name, size=size)
    network.stylize(photo)  # traced before the clock starts, as all later pictures find it
    objective = TutorialObjective()
    known = kept[REFERENCE].to_dict("records")
    measured = known[0] if known else reference(photo, style, objective)
    target, rows = measured["target"], []
    for start, precision in wanted:
        if (start, precision) in done:
            continue
        begin = time.perf_counter()
        init = photo if start == "photo" else network.stylize(photo)
        forward = time.perf_counter() - begin
        found = seconds_until(photo, style, target, init, PLANS[precision])
        seconds = found["seconds"] + forward
        total = judged(found["image"], photo, style, objective)
        # Two sums of the same picture differ in their last digits.
        reached = total <= target * 1.0001
        rows.append(
            {"photo": photo_name, "style": style_name, "steps": STEPS, "weights": weights[start]}
            | measured
            | {"start": start, "precision": precision, "evals": found["evals"], "total": total}
            | {"seconds": seconds}
            | {"ratio": seconds / measured["reference_seconds"] if reached else np.inf}
        )
        print(rows[-1], flush=True)
    return pd.concat([kept, pd.DataFrame(rows)], ignore_index=True)


def judged(image: np.ndarray, photo: np.ndarray, style: np.ndarray, objective) -> float:
    """The tutorial's total loss of a picture."""
    photo, style, image = (tf.constant(each[None]) for each in (photo, style, image))
    targets = objective.content_targets(photo), objective.style_targets(style)
    return float(objective(image, *targets).total)


def vgg19_seconds_per_eval(photo: np.ndarray) -> float:
    """Median seconds of a gradient of the same layers of a VGG-19 with random weights."""
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    names = [f"block{block}_conv1" for block in range(1, 6)] + ["block5_conv2"]
    model = keras.Model(vgg.input, [vgg.get_layer(name).output for name in names])

    @tf.function
    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.add_n([tf.reduce_mean(gram(x) ** 2) for x in model(images)])
        return tape.gradient(loss, images)

    return nst.machine.measure(lambda: gradient(tf.constant(photo[None])).numpy(), repeats=7).median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="longer side in px")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many pairs")
    arguments = parser.parse_args()
    size = arguments.size
    results = full_results()
    name = f"benchmark_reference_{size}"
    caption = f"Seconds to the loss that the tutorial's loop has after {STEPS} steps; {size} px."
    try:
        table = results.read(name, text=("weights",))
    except FileNotFoundError:
        keys = ["photo", "style", "start", "precision", "weights"]
        table = pd.DataFrame(columns=[*keys, *REFERENCE])
    for photo, style in PAIRS[: arguments.pairs]:
        of_pair = (table["photo"] == photo) & (table["style"] == style)
        rows = run_pair(photo, style, size, table[of_pair])
        if rows.equals(table[of_pair]):
            continue
        table = pd.concat([table[~of_pair], rows], ignore_index=True)
        results.table(name, table, caption=caption)
        summary = nst.study.median_ranges(
            table, ["start", "precision"], ["evals", "seconds", "ratio"]
        )
        note = f"{caption} Median, lowest and highest of {table['photo'].nunique()} pairs."
        results.table(f"{name}_summary", summary, caption=note)
        print(summary.round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
