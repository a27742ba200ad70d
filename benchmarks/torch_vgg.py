"""The default objective of nstlib in plain PyTorch, as its tutorial writes such things: what benchmarks compare with.

Average pooling, content at relu3_3, Gram matrices at relu1_2, relu2_2, relu3_3 and relu4_3, total variation, and the
weights of the VGG-16 of nstlib.
"""

import os
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention

import nstlib as nst

# PyTorch 2.15 and TensorFlow 2.21 end a process that has both and makes an optimizer of PyTorch. Keras, which nstlib
# asks for its weights, is not to load TensorFlow.
os.environ["KERAS_BACKEND"] = "torch"

from nstlib.objective.features import load_weights

COUNTS = (2, 2, 3, 3)  # convolutions in the blocks up to relu4_3
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of red, green and blue


def tensor(image: np.ndarray) -> torch.Tensor:
    """`(H, W, 3)` as `(1, 3, H, W)`."""
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy())


def total_loss(photo: np.ndarray, style: np.ndarray) -> Callable[[torch.Tensor], torch.Tensor]:
    """The total loss of pixels `(1, 3, H, W)`, for a photo and a style image."""
    blocks, objective = _blocks(), nst.PerceptualLoss()
    with torch.no_grad():
        content = _features(blocks, tensor(photo))[2]
        grams = [_gram(x) for x in _features(blocks, tensor(style))]

    def total(pixels: torch.Tensor) -> torch.Tensor:
        outputs = _features(blocks, pixels)
        loss = ((outputs[2] - content) ** 2).mean() / content.var(correction=0)
        pairs = zip(outputs, grams, strict=True)
        terms = sum(((_gram(x) - a) ** 2).sum() / (a**2).sum() for x, a in pairs) / len(grams)
        loss = loss + objective.style_weight * terms
        return loss + objective.total_variation_weight * _variation(pixels)

    return total


def _blocks():
    """Kernels (out, in, 3, 3) and biases, block by block."""
    arrays = iter(load_weights().values())
    return [
        [
            (torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()), torch.from_numpy(bias))
            for kernel, bias in (next(arrays) for _ in range(count))
        ]
        for count in COUNTS
    ]


def _features(blocks, image):
    """The last ReLU of each block."""
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    x = (image - mean) / deviation
    outputs = []
    for i, block in enumerate(blocks):
        if i:
            x = F.avg_pool2d(x, 2)
        for kernel, bias in block:
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
        outputs.append(x)
    return outputs


def _gram(x):
    """(C, C) correlations of a (1, C, H, W) feature map."""
    rows = x.flatten(2)[0]
    return rows @ rows.T / x.numel()


def _variation(image):
    """Mean squared difference between neighbouring pixels."""
    down, right = image[..., 1:, :] - image[..., :-1, :], image[..., 1:] - image[..., :-1]
    return (down**2).mean() + (right**2).mean()
