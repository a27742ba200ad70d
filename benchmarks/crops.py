"""Seconds a crop of a folder of large photos: decoded at every step, and shrunk once, as training does.

    .venv/bin/python benchmarks/crops.py

The photos are made here: JPEGs of 24 megapixels with detail at every scale, as many as a camera's. Writes
results/tables/benchmark_crops.csv: medians and quartiles of the seconds a crop of 256 px, the first loading of the
folder left out, and the seconds a photo of that loading, which checks every file.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.johnson.crops import Crops, training_photos

HEIGHT, WIDTH = 4000, 6000
PHOTOS, CROPS = 6, 40
WAYS = {
    "decoded each time": lambda folder, size: nst.photo_folder(folder),
    "shrunk and kept": training_photos,
}


def make_photos(folder: Path) -> None:
    """JPEGs of a built-in photo, enlarged, with noise of every size down to a pixel."""
    rng = np.random.default_rng(0)
    for number, name in zip(range(PHOTOS), 2 * nst.photo_names(), strict=False):
        image = nst.resize(nst.photo(name), (HEIGHT, WIDTH))
        for scale in (1, 4, 16, 64):
            noise = rng.random((HEIGHT // scale, WIDTH // scale, 3), dtype=np.float32)
            image += 0.03 * (nst.resize(noise, (HEIGHT, WIDTH)) - 0.5)
        nst.save_image(folder / f"{number}.jpg", image.clip(0, 1))


def main() -> None:
    schedule = nst.Schedule(steps=CROPS, small_share=0)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        make_photos(Path(name))
        for way, photos in WAYS.items():
            start = time.perf_counter()
            crops = Crops(photos(name, schedule.size), schedule)
            loading = (time.perf_counter() - start) / PHOTOS
            timing = nst.machine.measure(iter(crops).__next__, repeats=CROPS, warmup=0)
            low, median, high = np.percentile(timing.seconds, [25, 50, 75])
            row = {"photos": way, "seconds_a_crop": median, "low": low, "high": high}
            rows.append(row | {"loading_seconds_a_photo": loading})
    table = pd.DataFrame(rows)
    caption = (
        f"Seconds a crop of {schedule.size} px of JPEGs of {WIDTH} x {HEIGHT} px: medians and quartiles of "
        f"{CROPS}; and seconds a photo of the first loading."
    )
    full_results().table("benchmark_crops", table, caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
