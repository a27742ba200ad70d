"""Our optimisation beside the loop of the PyTorch tutorial on style transfer, both on the default objective of nstlib.

    .venv/bin/python -m pip install '.[bench]'  # PyTorch
    .venv/bin/python benchmarks/torch_loop.py

The loop is written here as the tutorial has it (docs.pytorch.org/tutorials/advanced/neural_style_tutorial.html):
`torch.optim.LBFGS` with its defaults, 300 calls of a closure that clamps the pixels to [0, 1] first, from the photo.
Without a line search it may end far above where it has been, so its lowest loss is the target, and its seconds are
those until then. `nst.gatys` with its defaults then runs until it is as low, in float32 and, where the processor has
it, in bfloat16. What bfloat16 believes is off by about a thousandth, so it aims as much lower; its picture is
judged in float32, which also does the rest where there is one. Seconds include tracing. Every run is a fresh process,
and the runs take turns.

Writes results/tables/benchmark_torch_loop.csv, a row for each pair and run, after each row; those that are there are
not done again.
"""

import argparse
import time

import numpy as np
import pandas as pd
from common import PAIRS, full_results

import nstlib as nst

TABLE = "benchmark_torch_loop"
CALLS = 300  # of the closure
STEPS = 600  # of ours, at most
OURS = ("float32", "bfloat16") if nst.machine.has_bfloat16() else ("float32",)
MARGIN = {"float32": 0, "bfloat16": 0.001}  # of the total loss
REFERENCE = "PyTorch tutorial"


def pictures(pair: tuple[str, str], size: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo and a style image."""
    photo, style = pair
    return nst.photo(photo, size=size), nst.style(style, size=size)


def total(image: np.ndarray, photo: np.ndarray, style: np.ndarray) -> float:
    """The total loss of a picture, in float32."""
    nst.use_bfloat16(False)
    objective = nst.PerceptualLoss()
    targets = objective.content_targets(photo[None]), objective.style_targets(style[None])
    return float(objective(image[None], *targets).total)


def run_torch(pair: tuple[str, str], size: int) -> tuple[dict, np.ndarray]:
    """The tutorial's loop, and its best image."""
    import torch
    from torch_vgg import tensor, total_loss

    photo, style = pictures(pair, size)
    begin = time.perf_counter()
    loss_of, pixels = total_loss(photo, style), tensor(photo).requires_grad_()
    optimizer = torch.optim.LBFGS([pixels])
    lowest, image, calls = {"loss": np.inf}, photo, 0

    def closure():
        nonlocal lowest, image, calls
        calls += 1
        with torch.no_grad():
            pixels.clamp_(0, 1)
        optimizer.zero_grad()
        loss = loss_of(pixels)
        loss.backward()
        if float(loss) < lowest["loss"]:
            lowest = {"loss": float(loss), "seconds": time.perf_counter() - begin, "evals": calls}
            image = pixels.detach().clone()
        return loss

    while calls < CALLS:
        optimizer.step(closure)
    image = image.numpy()[0].transpose(1, 2, 0).copy()
    return {"seconds": lowest["seconds"], "evals": lowest["evals"]}, image


def run_reference(pair: tuple[str, str], size: int) -> dict:
    """The tutorial's loop and its total loss, each in a process: PyTorch and TensorFlow may not share one."""
    found, image = nst.machine.in_fresh_process(run_torch, pair, size)
    return found | {"total": nst.machine.in_fresh_process(total, image, *pictures(pair, size))}


def run_ours(pair: tuple[str, str], size: int, precision: str, target: float) -> dict:
    """Our optimisation until its total loss is the target or less."""
    photo, style = pictures(pair, size)
    seconds, evals, init, scales = 0.0, 0, "colour", None
    for each in dict.fromkeys((precision, "float32")):
        nst.use_bfloat16(each == "bfloat16")
        aim = target * (1 - MARGIN[each])
        result = nst.gatys(
            photo,
            style,
            init=init,
            scales=scales,
            steps=STEPS,
            on_step=lambda row, aim=aim: row["scale"] == 1 and row["total"] <= aim,
            progress=False,
        )
        last = result.history.iloc[-1]
        seconds, evals = seconds + last["seconds"], evals + int(last["evals"])
        init, scales = result.image, (1,)
        reached = total(init, photo, style)
        if reached <= target * 1.0001:  # two sums of the same picture differ in their last digits
            break
    return {"seconds": seconds, "evals": evals, "total": reached}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="longer side in px")
    options = parser.parse_args()
    results = full_results()
    caption = f"Seconds to the loss of the PyTorch tutorial's loop ({CALLS} calls); size: longer side in px."
    try:
        rows = results.read(TABLE).to_dict("records")
    except FileNotFoundError:
        rows = []
    for pair in PAIRS:
        target = None
        for run in (REFERENCE, *OURS):
            key = {"photo": pair[0], "style": pair[1], "size": options.size, "run": run}
            found = next((row for row in rows if key.items() <= row.items()), None)
            if found is None:
                if run == REFERENCE:
                    found = key | run_reference(pair, options.size)
                else:
                    plan = pair, options.size, run, target["total"]
                    found = key | nst.machine.in_fresh_process(run_ours, *plan)
                target = target or found
                found["ratio"] = found["seconds"] / target["seconds"]
                if found["total"] > target["total"] * 1.0001:
                    found["ratio"] = np.inf
                rows.append(found)
                results.table(TABLE, pd.DataFrame(rows), caption=caption)
                print(found, flush=True)
            target = target or found
    table = pd.DataFrame(rows).query("size == @options.size")
    print(table.groupby("run", sort=False)["ratio"].describe().round(3).to_string())


if __name__ == "__main__":
    main()
