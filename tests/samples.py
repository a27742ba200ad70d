"""Small images that many tests need."""

import io
import struct
import zlib

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


def png16(samples: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 16 bits, its rows as differences to the pixel before, as encoders write them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    height, width, channels = samples.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    row_bytes = samples.astype(">u2").view(np.uint8).reshape(height, width, -1)
    before = np.pad(row_bytes, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    rows = b"".join(b"\1" + row.tobytes() for row in row_bytes - before)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
