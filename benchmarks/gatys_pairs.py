"""Gatys on five pairs of photo and style: total loss reached, and seconds for an evaluation of the gradient.

    .venv/bin/python benchmarks/gatys_pairs.py                 # 256 px, 100 evals, five pairs
    .venv/bin/python benchmarks/gatys_pairs.py --size 384      # larger pictures

Writes results/tables/benchmark_gatys_SIZE.csv and results/figures/gatys_pairs_SIZE.png.
"""

import argparse

import pandas as pd
from common import full_results

import nstlib as nst

PAIRS = [
    ("astronaut", "brush_flow"),
    ("chelsea", "woodblock_wave"),
    ("coffee", "cubist_planes"),
    ("rocket", "stained_glass"),
    ("motorcycle_left", "linocut"),
]


def run_pair(photo_name: str, style_name: str, size: int, evals: int):
    """One optimisation from the photo in the colours of the style: a row of the table, and the picture."""
    photo, style = nst.photo(photo_name, size=size), nst.style(style_name, size=size)
    budget = {"steps": evals, "max_evals": evals, "scales": (1,)}
    result = nst.gatys(photo, style, **budget, progress=False)
    history = result.history
    seconds = nst.study.timing.seconds_per_evaluation(history)
    row = {
        "photo": photo_name,
        "style": style_name,
        "height": photo.shape[0],
        "width": photo.shape[1],
        "evals": int(history["evals"].max()),
        "total": history["total"].min(),
        "content": history["content"].iloc[-1],
        "style_loss": history["style"].iloc[-1],
        "ssim": nst.metrics.ssim(result.image, photo),
        "seconds_per_eval": seconds.median(),
        "seconds_q1": seconds.quantile(0.25),
        "seconds_q3": seconds.quantile(0.75),
    }
    return row, result.image


def draw_pairs(images, size: int):
    """One column a pair: the photo, the style image, and what the optimisation made of them."""
    rows = {"photo": {}, "style": {}, "Gatys": {}}
    for (photo_name, style_name), image in images.items():
        photo = nst.photo(photo_name, size=size)
        frame = min(photo.shape[:2]), photo.shape[1]
        rows["photo"][style_name] = nst.images.centre_crop(photo, *frame)
        rows["style"][style_name] = nst.images.centre_crop(nst.style(style_name), *frame)
        rows["Gatys"][style_name] = nst.images.centre_crop(image, *frame)
    return nst.plots.image_grid(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="longer side in px")
    parser.add_argument("--evals", type=int, default=100, help="gradient evaluations")
    arguments = parser.parse_args()
    results = full_results()
    rows, images = [], {}
    for pair in PAIRS:
        row, images[pair] = run_pair(*pair, arguments.size, arguments.evals)
        rows.append(row)
    table = pd.DataFrame(rows)
    beta = nst.PerceptualLoss().style_weight
    caption = (
        f"Gatys with L-BFGS from the photo in the colours of the style, alpha 1, beta {beta:g}; "
        f"{arguments.size} px."
    )
    results.table(f"benchmark_gatys_{arguments.size}", table, caption=caption)
    results.figure(f"gatys_pairs_{arguments.size}", draw_pairs(images, arguments.size), caption)
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
