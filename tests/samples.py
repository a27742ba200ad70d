"""Small images that many tests need."""

import io

import numpy as np
from PIL import Image


def noise(height: int = 24, width: int = 40, seed: int = 0) -> np.ndarray:
    """Bytes (H, W, 3) that no codec can guess."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def floats(height: int = 24, width: int = 40, seed: int = 0) -> np.ndarray:
    """The same as a float32 image."""
    return noise(height, width, seed).astype(np.float32) / 255


def smooth(height: int = 24, width: int = 40) -> np.ndarray:
    """A float32 image that changes slowly, and differently in each channel and direction."""
    y, x = np.mgrid[:height, :width]
    channels = (x / width, y / height, 0.5 + 0.4 * np.sin((x + 2 * y) / height))
    return np.stack(channels, axis=-1).astype(np.float32)


def png_bytes(height: int = 20, width: int = 30, seed: int = 0) -> bytes:
    """A PNG file of `noise`."""
    buffer = io.BytesIO()
    Image.fromarray(noise(height, width, seed)).save(buffer, format="PNG")
    return buffer.getvalue()
