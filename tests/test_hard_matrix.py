"""Every format by mode, depth, profile, orientation and transparency, whole, cut off and damaged.

A whole file has one right value, the picture that it was made of; a damaged one is a picture or an `ImageError` of one
line that names it. Nothing else: no traceback, and no picture that is quietly wrong.
"""

import io
import itertools
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import icc
import numpy as np
import pytest
from PIL import Image
from samples import png16, smooth

from nstlib.errors import ImageError
from nstlib.files import load_alpha, load_image

HEIGHT, WIDTH = 24, 40
PICTURE = smooth(HEIGHT, WIDTH).astype(float)
GREY = np.repeat(PICTURE.mean(axis=2, keepdims=True), 3, axis=2)
ALPHA = np.linspace(0, 1, WIDTH)[None, :].repeat(HEIGHT, 0)
JUNK = b"junk" * 50
# Colour space of the samples, and the profile in the file; a broken one leaves them as they are.
PROFILES = {
    "none": (icc.SRGB, None),
    "srgb": (icc.SRGB, icc.rgb_profile(icc.SRGB)),
    "p3": (icc.DISPLAY_P3, icc.rgb_profile(icc.DISPLAY_P3)),
    "adobe": (icc.ADOBE_RGB, icc.rgb_profile(icc.ADOBE_RGB)),
    "prophoto": (icc.PROPHOTO, icc.rgb_profile(icc.PROPHOTO)),
    "junk": (icc.SRGB, JUNK),
    "cut off": (icc.SRGB, icc.rgb_profile(icc.DISPLAY_P3)[:200]),
    "of ink": (icc.SRGB, icc.cmyk_profile(50, 9, 9)),
}
BROKEN = ("junk", "cut off", "of ink")
# A level of a wide space is several in the dark of sRGB.
LOSSY = (50, 1.5)
# Format to what the writer is told, and the largest and the mean difference in grey levels, rounding apart.
FORMATS = {
    "JPEG": ({"quality": 95, "subsampling": 0}, *LOSSY),
    "PNG": ({}, 0, 0),
    "WEBP": ({"lossless": True, "exact": True}, 0, 0),
    "TIFF": ({}, 0, 0),
    "AVIF": ({"quality": 95, "subsampling": "4:4:4"}, *LOSSY),
    "JXL": ({"lossless": True}, 0, 0),
    "BMP": ({}, 0, 0),
    "PPM": ({}, 0, 0),
    "HEIF": ({"quality": 100, "chroma": 444}, *LOSSY),
}
WITH_PROFILE = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
WITH_ALPHA = ("PNG", "WEBP", "TIFF", "AVIF", "JXL", "HEIF")
# What makes a picture upright that EXIF says lies so, and which of them undoes it.
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}
LYING = {each: UPRIGHT[{6: 8, 8: 6}.get(each, each)] for each in UPRIGHT}


@dataclass
class Case:
    """A file with what is right for it; `image` is None for a damaged one."""

    name: str
    data: bytes
    image: np.ndarray | None = None
    alpha: np.ndarray | None = None
    largest: float = 0.0
    mean: float = 0.0


def pillow(samples: np.ndarray, form: str, **options) -> bytes:
    import pillow_heif
    import pillow_jxl  # noqa: F401 - registers the format

    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, form, **options)
    return buffer.getvalue()


def over_white(image: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    return image if alpha is None else image * alpha[:, :, None] + 1 - alpha[:, :, None]


def stored(picture: np.ndarray, profile: str, grey: bool, depth: int, alpha) -> np.ndarray:
    """The samples of a picture in the space of a profile."""
    values = icc.converted(picture, icc.SRGB, PROFILES[profile][0])
    values = values[:, :, :1] if grey else values
    if alpha is not None:
        values = np.dstack([values, alpha])
    return np.rint(values * (2**depth - 1)).astype(np.uint8 if depth == 8 else np.uint16)


def whole(every: int = 1) -> list[Case]:
    """One in so many of the files that hold a picture."""
    return [made(*each) for each in list(_variants())[::every]]


def _variants() -> Iterator[tuple]:
    """Arguments of `made`: 8 bits in every format, 16 in PNG."""
    variants = itertools.product(PROFILES, UPRIGHT, (False, True), (False, True))
    for profile, orientation, grey, cut_out in variants:
        yield "PNG", 16, profile, orientation, grey, cut_out
        for form in FORMATS:
            fits = form in WITH_PROFILE or (profile == "none" and orientation == 1)
            if fits and (form in WITH_ALPHA or not cut_out):
                yield form, 8, profile, orientation, grey, cut_out


def made(form: str, depth: int, profile: str, orientation: int, grey: bool, cut_out: bool) -> Case:
    """A file and what is right for it."""
    options, largest, mean = FORMATS[form]
    alpha = ALPHA if cut_out else None
    samples = stored(GREY if grey else PICTURE, profile, grey, depth, alpha)
    # What the rounding to these samples took away is not the reader's to bring back.
    values = samples / (2.0**depth - 1)
    colour = np.broadcast_to(values[:, :, : 1 if grey else 3], (HEIGHT, WIDTH, 3))
    colour = icc.converted(colour, PROFILES[profile][0], icc.SRGB)
    # LittleCMS rounds to 8 bits, once more than the file.
    rounding = 0.02 if profile == "none" else 2.0 if depth == 8 else 0.2
    name = f"{form} {depth} {profile} {orientation}{' grey' * grey}{' cut-out' * cut_out}"
    if cut_out:
        alpha = values[:, :, -1]
    return Case(
        name,
        _file(LYING[orientation](samples), form, profile, orientation, options),
        over_white(colour, alpha),
        alpha,
        largest + rounding,
        mean + rounding / 2,
    )


def _file(samples: np.ndarray, form: str, profile: str, orientation: int, options) -> bytes:
    embedded = PROFILES[profile][1]
    exif = Image.Exif()
    exif[0x0112] = orientation
    samples = np.ascontiguousarray(samples)
    if samples.dtype == np.uint16:
        chunks = [(b"eXIf", exif.tobytes()[6:])]
        if embedded is not None:
            chunks.append((b"iCCP", b"x\0\0" + zlib.compress(embedded)))
        return png16(samples, *chunks)
    more = {"exif": exif.tobytes()} if form in WITH_PROFILE else {}
    if embedded is not None:
        more["icc_profile"] = embedded
    return pillow(samples[:, :, 0] if samples.shape[2] == 1 else samples, form, **options, **more)


def damaged() -> Iterator[Case]:
    """The same picture in every format, cut off and with single bits turned."""
    rng = np.random.default_rng(0)
    for form, (options, _, _) in FORMATS.items():
        data = pillow(stored(PICTURE, "none", False, 8, None), form, **options)
        for length in np.linspace(0, len(data) - 1, 16).astype(int):
            yield Case(f"{form} cut at {length}", data[:length])
        for place in rng.choice(len(data), 12, replace=False):
            spoiled = bytearray(data)
            spoiled[place] ^= 1 << int(rng.integers(8))
            yield Case(f"{form} turned at {place}", bytes(spoiled))


def outcome(case: Case, path) -> str:
    """What became of a file, in words that begin with picture, message, or else what is wrong."""
    path.write_bytes(case.data)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            image, alpha = load_image(path), load_alpha(path)
    except ImageError as error:
        text = str(error)
        if case.image is not None or not text.startswith(f"{path}: ") or "\n" in text:
            return f"wrongly refused: {text}"
        return "message"
    except Exception as error:
        return f"traceback: {error!r}"
    if case.image is None:
        return "picture"
    if image.shape != case.image.shape:
        return f"wrong: {image.shape}"
    if any(each in case.name for each in BROKEN) != any(
        "profile" in str(w.message) for w in caught
    ):
        return f"wrong: warnings {[str(w.message) for w in caught]}"
    if (alpha is None) != (case.alpha is None):
        return "wrong: transparency lost or made up"
    levels = 255 * np.abs(image - case.image)
    if alpha is not None:
        levels = np.dstack([levels, 255 * np.abs(alpha - case.alpha)])
    if levels.max() > case.largest or levels.mean() > case.mean:
        return f"wrong: {levels.max():.2f} levels at most, {levels.mean():.3f} in the mean"
    return "picture"


def outcomes(cases, path) -> tuple[Counter, dict[str, str]]:
    """How many pictures and messages, and everything else by name."""
    found = {case.name: outcome(case, path) for case in cases}
    good = ("picture", "message")
    others = {name: text for name, text in found.items() if text not in good}
    return Counter(text for text in found.values() if text in good), others


def test_turning_there_and_back_is_nothing():
    for orientation, turn in UPRIGHT.items():
        np.testing.assert_array_equal(turn(LYING[orientation](PICTURE)), PICTURE)


@pytest.mark.parametrize("profile", ["p3", "adobe", "prophoto"])
def test_a_profile_left_out_would_be_seen(profile):
    left_out = icc.converted(PICTURE, icc.SRGB, PROFILES[profile][0])
    assert 255 * np.abs(left_out - PICTURE).mean() > 2 * (LOSSY[1] + 1)


@pytest.fixture(scope="module", autouse=True)
def _extra():
    pytest.importorskip("pillow_heif")
    pytest.importorskip("pillow_jxl")


def test_a_share_of_them(tmp_path):
    counts, others = outcomes([*whole(every=17), *list(damaged())[::5]], tmp_path / "a.png")
    assert others == {}
    assert min(counts["picture"], counts["message"]) > 25


@pytest.mark.full
def test_all_of_them(tmp_path, capsys):
    cases = [*whole(), *damaged()]
    counts, others = outcomes(cases, tmp_path / "a.png")
    with capsys.disabled():
        print(f"\n{len(cases)} files: {dict(counts)}, and {len(others)} neither")
    assert others == {}
    assert len(cases) >= 1000
