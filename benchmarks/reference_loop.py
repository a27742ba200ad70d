"""Our optimisation beside the loop that most copies of the TensorFlow tutorial on style transfer run, on its objective.

    .venv/bin/python benchmarks/reference_loop.py --size 512

The reference is written here as the tutorial has it (tensorflow.org/tutorials/generative/style_transfer): style at
the first convolution of each of the five blocks, content at the second of the fifth, weights 1e-2 and 1e4, total
variation 30, Adam with rate 0.02, beta_1 0.99 and epsilon 0.1, from the content image. It runs on the VGG-16 of nstlib
in place of the tutorial's VGG-19, whose weights are a download; `vgg19_seconds_per_eval` says what a gradient costs
with a VGG-19 (random weights). Then nstlib minimises the same objective until it is as low as after 500 steps of that:
from the photo, coarse to fine, and from the output of the shipped network. L-BFGS stalls at the kinks of the tutorial's
total variation, a sum of absolute values, so it is led by a smooth one, and judged by the tutorial's. Writes
results/tables/benchmark_reference_SIZE.csv and benchmark_reference_SIZE_summary.csv, after each pair; a run that was
stopped goes on from the pairs that it finished.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import nstlib as nst

PAIRS = [
    ("astronaut", "brush_flow"),
    ("chelsea", "linocut"),
    ("coffee", "cubist_planes"),
    ("rocket", "stained_glass"),
    ("motorcycle_left", "pointillist"),
]
STYLE_LAYERS = [f"relu{block}_1" for block in range(1, 6)]
CONTENT_LAYER = "relu5_2"
STYLE_WEIGHT, CONTENT_WEIGHT, VARIATION_WEIGHT = 1e-2, 1e4, 30
STEPS = 500
ROUNDING = 0.001  # difference of two pixels below which the total variation that leads the search is a parabola


class TutorialObjective:
    """The tutorial's loss with the interface of `nst.PerceptualLoss`, so that `nst.gatys` can minimise it."""

    def __init__(self):
        names = [*STYLE_LAYERS, CONTENT_LAYER]
        self.extract = nst.feature_extractor(names, pooling="max")

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
        return nst.LossTerms(style + content + variation, content, style, variation)


class SmoothObjective(TutorialObjective):
    """The same but for the kinks of the total variation in `total`; `tv` is the tutorial's own."""

    def __call__(self, images, content_targets, style_targets):
        exact = super().__call__(images, content_targets, style_targets)
        down, right = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
        variation = VARIATION_WEIGHT * tf.add_n(
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


def seconds_until(photo, style, target: float, **options) -> tuple[float, float, int]:
    """Seconds until the tutorial's total at full size is at most `target`, the total reached, and the evals it took."""

    def total(row):
        return row["content"] + row["style"] + row["tv"]

    history = nst.gatys(
        photo,
        style,
        objective=SmoothObjective(),
        steps=STEPS,
        on_step=lambda row: row["scale"] == 1 and total(row) <= target,
        progress=False,
        **options,
    ).history
    last = history.iloc[-1]
    return last["seconds"], total(last), int(last["evals"])


def run_pair(photo_name: str, style_name: str, size: int) -> dict:
    """One row of the table."""
    photo, style = nst.photo(photo_name, size=size), nst.style(style_name, size=size)
    network = nst.load_network(style_name)
    marks = {"steps": STEPS, "weights": network.fingerprint}
    network.stylize(photo)  # traced before the clock starts, as all later pictures find it
    reference = run_reference(photo, style, TutorialObjective())
    target = reference["total"].iloc[-1]
    row = {"photo": photo_name, "style": style_name, **marks, "target": target}
    row["reference_seconds"] = reference["seconds"].iloc[-1]
    row["reference_seconds_per_eval"] = reference["seconds"].diff().median()
    found = seconds_until(photo, style, target, scales=(0.5, 1))
    row["gatys_seconds"], row["gatys_total"], row["gatys_evals"] = found
    begin = time.perf_counter()
    start = network.stylize(photo)
    forward = time.perf_counter() - begin
    found = seconds_until(photo, style, target, init=start, scales=(1,))
    row["hybrid_seconds"], row["hybrid_total"], row["hybrid_evals"] = found
    row["hybrid_seconds"] += forward
    for method in ("gatys", "hybrid"):
        row[f"{method}_reached"] = row[f"{method}_total"] <= target
        ratio = row[f"{method}_seconds"] / row["reference_seconds"]
        row[f"{method}_ratio"] = ratio if row[f"{method}_reached"] else np.inf
    return row


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

    return nst.measure(lambda: gradient(tf.constant(photo[None])).numpy(), repeats=7).median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="longer side in px")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many pairs")
    parser.add_argument(
        "--work", type=Path, default=Path(".work"), help="folder for finished pairs"
    )
    arguments = parser.parse_args()
    size = arguments.size
    folder = arguments.work / f"reference_{size}"
    folder.mkdir(parents=True, exist_ok=True)
    vgg19 = vgg19_seconds_per_eval(nst.photo(PAIRS[0][0], size=size))
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    tables = []
    for photo_name, style_name in PAIRS[: arguments.pairs]:
        weights = nst.load_network(style_name).fingerprint
        path = folder / f"{photo_name}-{style_name}-{weights}-{STEPS}.csv"
        if not path.exists():
            row = run_pair(photo_name, style_name, size) | {"vgg19_seconds_per_eval": vgg19}
            unfinished = path.with_suffix(".unfinished")
            pd.DataFrame([row]).to_csv(unfinished, index=False)
            unfinished.replace(path)
        tables.append(pd.read_csv(path))
        table = pd.concat(tables, ignore_index=True)
        caption = (
            f"Seconds to the loss that the tutorial's loop has after {STEPS} steps; {size} px."
        )
        results.table(f"benchmark_reference_{size}", table, caption=caption)
        columns = [c for c in table if c.endswith(("_seconds", "_per_eval", "_ratio", "_evals"))]
        summary = table[columns].quantile([0, 0.25, 0.5, 0.75, 1]).rename_axis("quantile")
        reached = {m: int(table[f"{m}_reached"].sum()) for m in ("gatys", "hybrid")}
        caption += (
            f" Quantiles over {len(table)} pairs; reached within {STEPS} updates from the photo in "
            f"{reached['gatys']}, from the network's picture in {reached['hybrid']} of them."
        )
        results.table(f"benchmark_reference_{size}_summary", summary.reset_index(), caption=caption)
        print(summary.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
