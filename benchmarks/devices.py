"""Steps a second of a training at batch 16, on every device that JAX finds and on one of them.

    .venv/bin/python -m pip install '.[bench]'
    .venv/bin/python benchmarks/devices.py

On a GPU where there is one (`pip install 'jax[cuda13]'` brings JAX for it), else on the processor, in minutes.
Crops of 256 px, the shipped network of The Starry Night as the start. The first steps, in which JAX compiles, are not
counted; results/tables/benchmark_devices.csv has the median of the others.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import pandas as pd
from common import full_results

import nstlib as nst

SIZE, BATCH, STEPS, WARMUP = 256, 16, 20, 3


def steps_a_second(
    devices: int, *, size: int = SIZE, batch: int = BATCH, steps: int = STEPS
) -> float:
    """Median over the steps behind the first ones, the batch split over so many devices."""
    schedule = nst.Schedule(steps=WARMUP + steps, size=size, batch_size=batch, small_share=0)
    mesh = keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:devices])
    with mesh.scope():
        history = nst.train(
            nst.style("brush_flow", size=384), schedule=schedule, progress=False
        ).history
    # Each step ends with its losses on this side, so that none is under way any more.
    return 1 / history["seconds"].diff()[WARMUP:].median()


def main() -> None:
    present = len(keras.distribution.list_devices())
    counts = [count for count in (1, 2, 4, 8) if count <= present]
    rows = [
        {
            "device": jax.devices()[0].device_kind,
            "devices": count,
            "size": SIZE,
            "batch": BATCH,
            "steps_a_second": steps_a_second(count),
        }
        for count in counts
    ]
    table = pd.DataFrame(rows)
    caption = f"Steps of a training a second, on JAX: medians of {STEPS} steps."
    full_results().table("benchmark_devices", table, caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
