#!/usr/bin/env bash
# Pillow reads an uncompressed 16-bit RGB TIFF that is stored plane by plane as noise, without an error.
#
# Software: pillow 13.0.0, tifffile 2026.3.3, numpy 2.4.6, Linux x86-64.
# Behaviour: the file is valid (PlanarConfiguration 2, three samples of 16 bits); Pillow opens it as mode RGB and takes
#   each byte of a plane for a sample, so the picture is garbage of the right size. The same pixels stored pixel by pixel
#   are read rightly, to 8 bits.
# Seen: largest difference of a channel 0 of 255 pixel by pixel, 241 plane by plane.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$folder" && "$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import PIL
import tifffile
from PIL import Image

rows, columns = np.mgrid[:48, :64]
pixels = np.stack([1000 * rows, 1000 * columns, 500 * (rows + columns)], axis=-1).astype(np.uint16)
tifffile.imwrite("pixels.tif", pixels, photometric="rgb", planarconfig="contig")
tifffile.imwrite("planes.tif", np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate")
expected = (pixels >> 8).astype(int)
found = {}
for name in ("pixels", "planes"):
    assert (tifffile.imread(f"{name}.tif").reshape(-1).sum()) == pixels.sum()  # both files are valid
    with Image.open(f"{name}.tif") as picture:
        found[name] = int(np.abs(np.asarray(picture.convert("RGB")).astype(int) - expected).max())
print(f"pillow {PIL.__version__}, largest difference of a channel: {found}")
assert found["pixels"] <= 1, "16 bits pixel by pixel are wrong now"
assert found["planes"] > 100, "planes are read rightly, or refused, now"
PYTHON
