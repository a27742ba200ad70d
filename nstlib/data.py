"""The pictures of the study: a catalogue of photos, styles and paintings, and folders of photos.

Three kinds are known by name. *Photos* are colour photographs that the scikit-image package carries
inside itself. *Styles* are painted for this study and travel with it. *Paintings* are five works in
the public domain, fetched when first asked for, checked against a known sha256 and then kept in
`data_folder()`; only they ever need a network.
"""

import difflib
import hashlib
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import overload

import numpy as np
import pandas as pd

from nstlib.images import LOAD_SUFFIXES, ImageError, load_image

#: Where the paintings are fetched from: the folder of a fixed commit, so the files never change.
PAINTINGS_URL = (
    "https://raw.githubusercontent.com/jcjohnson/fast-neural-style/"
    "813c83441953ead2adb3f65f4cc2d5599d735fa7/images/styles/"
)
#: Longer side in px of a style image where nothing else is asked for: that of the networks' training.
STYLE_SIZE = 384
#: Seconds without a byte from the server after which a download is given up.
DOWNLOAD_TIMEOUT = 30.0

_FOLDER_VARIABLE = "NSTLIB_DATA_DIR"
_PUBLIC_DOMAIN = "public domain"
_CC0 = "CC0-1.0"


class DataError(RuntimeError):
    """An unknown name, a picture that cannot be had, or a folder without usable photos."""


@dataclass(frozen=True)
class _Work:
    """One picture of the catalogue; None where a fact is not known or not held."""

    file: str
    title: str
    artist: str
    year: int | None
    licence: str
    source: str
    sha256: str | None = None


# Facts as stated in the docstrings of skimage.data and the pages that they link to; the hashes are
# those of scikit-image 0.26.
_PHOTOS = {
    "astronaut": _Work(
        file="astronaut.png",
        title="Eileen Collins, astronaut",
        artist="NASA",
        year=None,
        licence=_PUBLIC_DOMAIN,
        source="https://flic.kr/p/r9qvLn",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    "chelsea": _Work(
        file="chelsea.png",
        title="Chelsea the cat",
        artist="Stefan van der Walt",
        year=None,
        licence=_CC0,
        source="skimage.data.chelsea",
        sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "coffee": _Work(
        file="coffee.png",
        title="Coffee cup, Pikolo Espresso Bar",
        artist="Rachel Michetti",
        year=None,
        licence=_CC0,
        source="skimage.data.coffee",
        sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "hubble_deep_field": _Work(
        file="hubble_deep_field.jpg",
        title="Hubble eXtreme Deep Field",
        artist="NASA",
        year=2012,
        licence=_PUBLIC_DOMAIN,
        source="http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
        sha256="3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    ),
    "immunohistochemistry": _Work(
        file="ihc.png",
        title="Colonic glands, stained (photomicrograph)",
        artist="Center for Microscopy and Molecular Imaging",
        year=None,
        licence="no known copyright restrictions",
        source="skimage.data.immunohistochemistry",
        sha256="f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    ),
    "motorcycle_left": _Work(
        file="motorcycle_left.png",
        title="Motorcycle, left image of a stereo pair",
        artist="Nera Nesic, Porter Westling, Xi Wang, York Kitajima, Greg Krathwohl, "
        "Daniel Scharstein",
        year=2014,
        licence="none stated (Middlebury 2014 stereo benchmark; cite Scharstein et al., GCPR 2014)",
        source="http://vision.middlebury.edu/stereo/data/scenes2014/",
        sha256="db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ),
    "retina": _Work(
        file="retina.jpg",
        title="Human retina (fundus photograph)",
        artist="Mikael Häggström",
        year=None,
        licence=_CC0,
        source="https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
        sha256="38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
    ),
    "rocket": _Work(
        file="rocket.jpg",
        title="Launch of DSCOVR on a Falcon 9",
        artist="SpaceX",
        year=2015,
        licence=_PUBLIC_DOMAIN,
        source="https://www.flickr.com/photos/spacexphotos/16511594820/",
        sha256="c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
}

_STYLE_TITLES = {
    "stained_glass": "Garden window",
    "brush_flow": "Dusk over the fields",
    "woodblock_wave": "Breaking waves",
    "cubist_planes": "Guitar and bottle",
    "pointillist": "Morning in the bay",
    "linocut": "Red moon",
}
_STYLES = {
    name: _Work(
        file=f"{name}.jpg",
        title=title,
        artist="nst-study",
        year=2026,
        licence=_CC0,
        source=f"data/styles/{name}.jpg",
    )
    for name, title in _STYLE_TITLES.items()
}


def _painting(file: str, title: str, artist: str, year: int, sha256: str) -> _Work:
    return _Work(
        file=file,
        title=title,
        artist=artist,
        year=year,
        licence=_PUBLIC_DOMAIN,
        source=PAINTINGS_URL + file,
        sha256=sha256,
    )


_PAINTINGS = {
    "starry_night": _painting(
        "starry_night.jpg",
        "The Starry Night",
        "Vincent van Gogh",
        1889,
        "0592ab0f7b51b3ce72608a95e53880bd93971e5b48f93a0ce8dfd3cbccf3d098",
    ),
    "wave": _painting(
        "wave.jpg",
        "The Great Wave off Kanagawa",
        "Katsushika Hokusai",
        1831,
        "14bcf58a39b7095168f27756d76d0c615bb8954acc5eae9e62c66a9684c2ee2b",
    ),
    "the_scream": _painting(
        "the_scream.jpg",
        "The Scream",
        "Edvard Munch",
        1893,
        "f3075cddeb974a9ee1d6418f7f33fd05185a7ac7dcb4288bd2805d499a9dcaee",
    ),
    "composition_vii": _painting(
        "composition_vii.jpg",
        "Composition VII",
        "Wassily Kandinsky",
        1913,
        "8f992ed4aecd6dd56972d7bc8166761de7c94e670ee6effa8fd05f3daeb33409",
    ),
    "udnie": _painting(
        "udnie.jpg",
        "Udnie",
        "Francis Picabia",
        1913,
        "c3d3d4b9e325b485820d1a91df3bad591c2bab86919412e9f1b424e862cf204a",
    ),
}


def photo_names() -> list[str]:
    """Names that `photo` knows."""
    return list(_PHOTOS)


def style_names() -> list[str]:
    """Names of the study's own style images; `style` knows these and the paintings."""
    return list(_STYLES)


def painting_names() -> list[str]:
    """Names of the paintings, which `style` fetches when first asked for."""
    return list(_PAINTINGS)


def catalogue() -> pd.DataFrame:
    """Every picture known by name, one a row; reads no file and no network.

    Columns: name, kind ("photo", "style" or "painting"), title, artist, year (Int64, missing where
    not known; 1831 is approximate for the Great Wave), licence, sha256 of the file (missing for the
    study's own styles), source (an address, a documentation page, or a path in this project).
    """
    kinds = {"photo": _PHOTOS, "style": _STYLES, "painting": _PAINTINGS}
    table = pd.DataFrame(
        [
            {
                "name": name,
                "kind": kind,
                "title": work.title,
                "artist": work.artist,
                "year": work.year,
                "licence": work.licence,
                "sha256": work.sha256,
                "source": work.source,
            }
            for kind, works in kinds.items()
            for name, work in works.items()
        ]
    )
    return table.astype({"year": "Int64"})


def photo(name: str, *, size: int | None = None) -> np.ndarray:
    """A photo of the catalogue as a float32 image (H, W, 3) in [0, 1].

    Parameters
    ----------
    name
        One of `photo_names()`.
    size
        Length of the longer side in pixels; None keeps the file's.

    Raises
    ------
    DataError
        Unknown name, or the installed scikit-image does not carry the file.
    ImageError
        Unusable `size`.
    """
    file = _look_up(name, _PHOTOS, "photo").file
    # Read from the package folder itself: skimage.data would fetch a file that it does not find.
    with resources.as_file(resources.files("skimage") / "data" / file) as path:
        if not path.is_file():
            raise DataError(
                f"photo {name!r}: the installed scikit-image does not carry {file} (not at {path})"
            )
        return load_image(path, size=size)


def style(name: str, *, size: int | None = None) -> np.ndarray:
    """A style image or painting of the catalogue as a float32 image (H, W, 3) in [0, 1].

    A painting is fetched when first asked for and then read from `data_folder()`. A file there that
    has the right sha256 is used as it is, so the folder may be read-only; one that has another is
    replaced.

    Parameters
    ----------
    name
        One of `style_names()` or `painting_names()`.
    size
        Length of the longer side in pixels; None keeps the file's.

    Raises
    ------
    DataError
        Unknown name, or a painting that can be neither found nor fetched; the message says which
        file is wanted and where it may be put.
    ImageError
        Unusable `size`.
    """
    work = _look_up(name, _STYLES | _PAINTINGS, "style")
    path = _fetch(name, work) if name in _PAINTINGS else _style_folder() / work.file
    if not path.is_file():
        raise DataError(f"style {name!r}: the file {path} is missing from this installation")
    return load_image(path, size=size)


def data_folder() -> Path:
    """The folder that keeps fetched paintings; not created until something is fetched.

    It is the environment variable NSTLIB_DATA_DIR, read at each call, or else the user's cache
    folder for "nst-study".
    """
    chosen = os.environ.get(_FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("nst-study"))


def _look_up(name: str, works: Mapping[str, _Work], kind: str) -> _Work:
    if isinstance(name, str) and name in works:
        return works[name]
    wanted = str(name).lower().replace(" ", "_").replace("-", "_")
    close = difflib.get_close_matches(wanted, works, n=1)
    suggestion = f"did you mean {close[0]!r}? " if close else ""
    raise DataError(
        f"no {kind} is called {name!r}; {suggestion}Known: {', '.join(works)}. "
        "For a file of your own use load_image."
    )


def _style_folder() -> Path:
    """A wheel carries the style images inside the package, a checkout in data/."""
    package = Path(__file__).parent
    installed = package / "assets" / "styles"
    return installed if installed.is_dir() else package.parent / "data" / "styles"


def _fetch(name: str, work: _Work) -> Path:
    """The path of a painting with the right hash in `data_folder()`, downloaded if need be."""
    folder = data_folder()
    path = folder / work.file
    url = PAINTINGS_URL + work.file
    held = "it holds no such file"
    try:
        if path.is_file():
            if _sha256(path) == work.sha256:
                return path
            held = "the file there has another sha256"
        _download(url, path, work.sha256)
    # pooch lets through the exceptions of whatever it downloads with, besides OSError and
    # ValueError (wrong hash).
    except Exception as error:
        raise DataError(
            f"painting {name!r} could not be fetched from {url} ({error}). "
            f"Set {_FOLDER_VARIABLE} to a folder that holds the file {work.file} with sha256 "
            f"{work.sha256} (the folder now in use is {folder}; {held}), "
            f"or use one of the study's own styles: {', '.join(_STYLES)}."
        ) from error
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, path: Path, sha256: str) -> None:
    """Download to a temporary file beside `path`, check it, and only then move it there."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=DOWNLOAD_TIMEOUT),
        )
    finally:
        logger.setLevel(level)


@dataclass(frozen=True)
class PhotoFolder(Sequence[np.ndarray]):
    """The usable photos of a folder, each loaded when asked for; made by `photo_folder`.

    `photos[i]` is a float32 image (H, W, 3) in [0, 1] in the size of its file, and `photos[a:b]` is
    a `PhotoFolder` of these photos.

    Attributes
    ----------
    paths
        The usable files, sorted by name.
    skipped
        The files that could not be loaded, each with the reason.
    """

    paths: tuple[Path, ...]
    skipped: dict[Path, str]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> "PhotoFolder": ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return PhotoFolder(self.paths[index], self.skipped)
        return load_image(self.paths[index])


def photo_folder(path: str | os.PathLike) -> PhotoFolder:
    """The photos in a folder (not in folders inside it), as a sequence that loads them lazily.

    Files count whose suffix is that of a format `load_image` reads, in any case. Each is loaded
    once here, so that a bad one is found now and not in the middle of training.

    Warns
    -----
    UserWarning
        Once, if some files cannot be loaded: how many, and the first five with the reason. They are
        skipped.

    Raises
    ------
    DataError
        No such folder, not a folder, one that cannot be read, or no usable photo in it.
    """
    try:
        folder = Path(path)
        candidates = sorted(
            (
                file
                for file in folder.iterdir()
                if file.suffix.lower() in LOAD_SUFFIXES and not file.is_dir()
            ),
            key=lambda file: file.name,
        )
    except (OSError, TypeError, ValueError) as error:
        raise DataError(
            f"photo folder {path!s}: cannot be read ({_folder_reason(error)}); "
            "accepted: the path of a folder of photos"
        ) from error
    if not candidates:
        raise DataError(
            f"photo folder {folder}: holds no photos; "
            f"accepted: files ending in {', '.join(LOAD_SUFFIXES)} directly in the folder"
        )
    paths, skipped = [], {}
    for file in candidates:
        try:
            load_image(file)
        except ImageError as error:
            skipped[file] = str(error).removeprefix(f"{file}: ")
        else:
            paths.append(file)
    if not paths:
        raise DataError(f"photo folder {folder}: no photo can be loaded. {_report(skipped)}")
    if skipped:
        warnings.warn(f"photo folder {folder}: {_report(skipped)}", stacklevel=2)
    return PhotoFolder(tuple(paths), skipped)


def _folder_reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "no such folder"
        case NotADirectoryError():
            return "it is not a folder"
        case PermissionError():
            return "permission is denied"
        case _:
            return f"{type(error).__name__}: {error}"


def _report(skipped: Mapping[Path, str], *, shown: int = 5) -> str:
    lines = [f"{file.name} ({reason})" for file, reason in list(skipped.items())[:shown]]
    if len(skipped) > shown:
        lines.append(f"and {len(skipped) - shown} more")
    noun = "file" if len(skipped) == 1 else "files"
    return f"{len(skipped)} {noun} skipped: {'; '.join(lines)}"
