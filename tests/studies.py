"""A study that nobody made: tables and strips of pictures as `run_study` writes them, in one colour each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nstlib.data.pictures import photo as load_photo
from nstlib.files import save_image

SIZE, GAP = 256, 4  # px, as in nstlib.study.running
#: The methods whose pictures stand in a strip, in its order.
LABELS = ("Gatys 100", "Johnson", "Johnson slim", "hybrid 25")
_OTHERS = ("identity", "colour transfer", "Gatys 10", "Gatys 50", "hybrid 5", "Adam 100")


def grey(place: int) -> float:
    """Of the picture at a place of a strip; the photo stands at 0."""
    return (2 + place) / 8


def write_study(root: Path, *, photos: Sequence[str], styles: Sequence[str]) -> None:
    """A full study into a results folder: losses 1, 2, 3, 4 in the order of `LABELS`, and no strokes for the first."""
    rows = []
    for photo in photos:
        for style in styles:
            for label in (*_OTHERS, *LABELS):
                place = LABELS.index(label) if label in LABELS else 98
                strokes = np.nan if place == 0 else 0.5
                scores = {"total": place + 1, "lpips": 0.25, "strokes": strokes}
                rows.append({"photo": photo, "style_image": style, "method": label, **scores})
            _write_strip(root / "images" / f"study_{SIZE}_{photo}_{style}.jpg", photo)
    (root / "tables").mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(root / "tables" / f"study_{SIZE}.csv", index=False)
    pd.DataFrame(rows).to_csv(root / "tables" / f"study_{2 * SIZE}.csv", index=False)
    pd.DataFrame({"evals": [1]}).to_csv(root / "tables" / f"study_{SIZE}_curves.csv", index=False)


def _write_strip(path: Path, photo: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = 96, round(96 * load_photo(photo).shape[1] / load_photo(photo).shape[0])
    gap = np.ones((height, GAP, 3), np.float32)
    parts = [np.zeros((height, 70, 3), np.float32)]  # the style image
    for place in range(1 + len(LABELS)):
        parts += [gap, np.full((height, width, 3), grey(place), np.float32)]
    save_image(path, np.concatenate(parts, axis=1))
