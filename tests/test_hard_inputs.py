"""Hundreds of malformed and odd files through the loader and the command line.

Each gives a picture or an error that names the file: never a traceback, a hang, or gigabytes of memory.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import icc
import numpy as np
import pytest
import tiny
from click.testing import CliRunner
from PIL import Image, ImageCms

from nstlib.cli import main
from nstlib.files import LOAD_SUFFIXES
from nstlib.johnson.network import save_network
from nstlib.machine.measuring import peak_memory

SIZE = (48, 32)  # width, height
rng = np.random.default_rng(7)
PIXELS = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
FORMATS = {
    ".jpg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".ppm": "PPM",
}

# Loads every file within 2 GiB of memory; says what became of each.
LOAD = """
import json, resource, sys, warnings
from pathlib import Path
from nstlib.errors import ImageError
from nstlib.files import load_image

warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        image = load_image(path)
        assert image.dtype == "float32" and image.ndim == 3 and image.shape[2] == 3
        assert 0 <= image.min() <= image.max() <= 1
        found[path.name] = "picture"
    except ImageError as error:
        assert path.name in str(error)
        found[path.name] = "refused"
print(json.dumps(found))
"""


def encoded(mode="RGB", form="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def files() -> dict[str, bytes]:
    """Name of each file to its contents."""
    made = {}
    for suffix, form in FORMATS.items():
        whole = encoded(form=form)
        made[f"whole{suffix}"] = whole
        for cut in np.linspace(0, len(whole) - 1, 14).astype(int):
            made[f"cut at {cut}{suffix}"] = whole[:cut]
        for place in rng.integers(0, len(whole), 12):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << int(rng.integers(8))
            made[f"flipped at {place}{suffix}"] = bytes(flipped)
        made[f"followed by junk{suffix}"] = whole + b"junk" * 50
        others = [other for other in FORMATS if other != suffix]
        made[f"{form} called{others[0]}"] = whole
        made[f"junk{suffix}"] = rng.bytes(500)
        made[f"text{suffix}"] = b"not a picture at all\n" * 10
    made |= modes() | {f"orientation {n}.jpg": oriented(n) for n in range(1, 9)} | huge() | odd()
    return made


def modes() -> dict[str, bytes]:
    """Every mode of Pillow, in each format that takes it."""
    made = {}
    for mode in (
        "1",
        "L",
        "LA",
        "La",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBa",
        "RGBX",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
        "I;16",
    ):
        for suffix, form in FORMATS.items():
            try:
                made[f"mode {mode.replace(';', '_')} small{suffix}"] = encoded(mode, form)
            except (OSError, ValueError, KeyError):
                continue  # Pillow cannot make such a file
    return made


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(form="JPEG", exif=exif)


def huge() -> dict[str, bytes]:
    """Files whose header declares far more pixels than they hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    made = {}
    for side in (20_000, 100_000, 2**31 - 1):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
        made[f"declares {side}.png"] = b"\x89PNG\r\n\x1a\n" + header + body
        bitmap = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
        made[f"declares {side}.bmp"] = (
            b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + bitmap + bytes(99)
        )
    screen = struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\x00\x3b"
    made["declares 100000.ppm"] = b"P6 100000 100000 255\n" + bytes(99)
    made["declares 100000 plain.ppm"] = b"P3 100000 100000 255\n" + b"0 " * 99
    avif = encoded(form="AVIF")
    at = avif.index(b"ispe") + 8
    made["declares 60000.avif"] = avif[:at] + struct.pack(">II", 60_000, 60_000) + avif[at + 8 :]
    # Headers of JPEG XL: a bare stream of 2 ** 30 rows and as many columns, and the same in boxes.
    stream = b"\xff\x0a" + (3 << 1 | (2**30 - 1) << 3 | 1 << 33).to_bytes(60, "little")
    made["declares a lot.jxl"] = stream
    made["declares a lot in boxes.jxl"] = (
        b"\0\0\0\x0cJXL \r\n\x87\n" + struct.pack(">I4s", 8 + len(stream), b"jxlc") + stream
    )
    made["declares 65535.gif"] = b"GIF89a" + screen + frame
    # A profile that unpacks to far more than it takes in the file.
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(100_000_000), 9))
    png = encoded()
    made["profile bomb.png"] = png[:33] + bomb + png[33:]
    return made


def odd() -> dict[str, bytes]:
    """Profiles, animations, strange names and shapes."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    animated = io.BytesIO()
    frames = [Image.fromarray(np.roll(PIXELS, step, 1)) for step in range(3)]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:])
    pages = io.BytesIO()
    frames[0].save(pages, "TIFF", save_all=True, append_images=frames[1:])
    thin = io.BytesIO()
    Image.new("RGB", (3000, 1)).save(thin, "PNG")
    fine = encoded()
    return {
        "profile of another space.png": encoded(icc_profile=profile),
        "profile of junk.png": encoded(icc_profile=b"junk" * 9),
        "profile cut off.png": encoded(icc_profile=icc.rgb_profile(icc.DISPLAY_P3)[:200]),
        "grey profile.png": encoded("RGBA", icc_profile=icc.grey_profile(1.8)),
        "profile of inks.jpg": encoded("CMYK", "JPEG", icc_profile=icc.cmyk_profile(50, 9, 9)),
        "profile of junk.avif": encoded(form="AVIF", icc_profile=b"junk" * 9),
        "junk called.heic": rng.bytes(500),
        "only a brand.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + rng.bytes(500),
        "profile of junk.jpg": encoded(form="JPEG", icc_profile=b"junk" * 9),
        "interlaced.gif": encoded(form="GIF", interlace=1),
        "progressive.jpg": encoded(form="JPEG", progressive=True),
        "packed.tif": encoded(form="TIFF", compression="tiff_lzw"),
        "junk in exif.jpg": encoded(form="JPEG", exif=b"Exif\0\0" + b"\xff" * 40),
        "animated.gif": animated.getvalue(),
        "pages.tif": pages.getvalue(),
        "one pixel high.png": thin.getvalue(),
        "with spaces and 'quotes' \".png": fine,
        "a\nline end.png": fine,
        "naïve – 絵 🎨.png": fine,
        "-o.png": fine,
        "%s {0} $HOME `id`.png": fine,
        "." * 5 + "dots.png": fine,
        "UPPER.PNG": fine,
        "[a-z]*.png": fine,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hard")
    for name, contents in files().items():
        (folder / name).write_bytes(contents)
    (folder / "a folder.png").mkdir()
    (folder / "broken link.png").symlink_to(folder / "nothing there")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "endless.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    (folder / os.fsdecode(b"no utf-8 \xff\xfe.png")).write_bytes(encoded())
    if os.geteuid():  # root may read everything
        (folder / "secret.png").write_bytes(encoded())
        (folder / "secret.png").chmod(0)
    return folder


@pytest.fixture(scope="module")
def outcomes(folder) -> dict[str, str]:
    """What became of each file, in a process that may take five minutes."""
    command = [sys.executable, "-c", LOAD, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_file_is_a_picture_or_refused(folder, outcomes):
    assert len(outcomes) == len(list(folder.iterdir()))
    assert len(outcomes) >= 200
    counts = {kind: list(outcomes.values()).count(kind) for kind in ("picture", "refused")}
    assert min(counts.values()) >= 50, counts


def test_what_is_whole_loads_and_what_cannot_be_is_refused(outcomes):
    for suffix in FORMATS:
        assert outcomes[f"whole{suffix}"] == "picture"
        assert outcomes[f"cut at 0{suffix}"] == "refused"
        assert outcomes[f"junk{suffix}"] == "refused"
    for name in ("pipe.png", "endless.png", "loop.png", "a folder.png", "animated.gif"):
        assert outcomes[name] == "refused", name
    for name, kind in outcomes.items():
        if name.startswith("declares"):
            assert kind == "refused", name
        if name.startswith("orientation"):
            assert kind == "picture", name
    strange = ["a\nline end.png", "naïve – 絵 🎨.png", "-o.png", "[a-z]*.png", "UPPER.PNG"]
    assert all(outcomes[name] == "picture" for name in strange)


def by_suffix(names) -> dict[str, list[str]]:
    groups = {
        suffix: [name for name in names if Path(name).suffix.lower() == suffix]
        for suffix in LOAD_SUFFIXES
    }
    return {suffix: found for suffix, found in groups.items() if found}


@pytest.mark.slow
def test_the_command_line_does_what_can_be_done_and_reports_the_rest(
    folder, outcomes, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "nstlib.johnson.architecture._RESIDUAL_BLOCKS", 0
    )  # it is not about painting
    network = save_network(tiny.network(), tmp_path / "tiny.npz")
    # One stem may have several suffixes: a folder for each, so that no result has the name of another.
    groups = by_suffix(outcomes)
    options = ["stylize", "--style", "linocut", "--network", str(network), "--size", "48"]
    commands = [
        [*options, "-o", str(tmp_path / suffix), "--", *(str(folder / name) for name in names)]
        for suffix, names in groups.items()
    ]
    runs = []
    peak = peak_memory(lambda: runs.extend(CliRunner().invoke(main, each) for each in commands))
    assert peak < 1 << 30
    for (suffix, names), run in zip(groups.items(), runs, strict=True):
        good = [name for name in names if outcomes[name] == "picture"]
        assert isinstance(run.exception, SystemExit | None), repr(run.exception)
        assert run.exit_code == (0 if len(good) == len(names) else 2), run.output
        assert "Traceback" not in run.output
        made = {path.name for path in (tmp_path / suffix).iterdir()}
        assert made == {f"{Path(name).stem}_linocut.png" for name in good}
        if len(good) < len(names):
            assert f"{len(names) - len(good)} of {len(names)} could not be done" in run.output
