"""The pictures that are known by name: photos, styles and paintings; `catalogue.toml` beside this file lists them.

*Photos* are colour photographs that scikit-image and matplotlib carry inside themselves. *Styles* are painted for this
study and travel with it. *Paintings* are works in the public domain, fetched when first asked for, checked against a
known sha256 and then kept in `data_folder()`; only they ever need a network.
"""

import difflib
import hashlib
import logging
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nstlib.data import STYLE_SIZE
from nstlib.errors import DataError
from nstlib.files import load_image

if TYPE_CHECKING:
    import pandas as pd

#: Seconds without a byte from the server after which a download is given up.
DOWNLOAD_TIMEOUT = 30.0

_FOLDER_VARIABLE = "NSTLIB_DATA_DIR"
_COLUMNS = ["name", "kind", "title", "artist", "year", "licence", "sha256", "source"]


@dataclass(frozen=True)
class _Work:
    """One picture of the catalogue; None where a fact is not known or not held."""

    file: str
    title: str
    artist: str
    licence: str
    source: str
    year: int | None = None
    sha256: str | None = None
    folder: str | None = None  # of a photo, from that of the installed packages
    held_out: bool = False
    size: int | None = None  # of a style


def _read_catalogue() -> dict[str, dict[str, _Work]]:
    """Kind to name to picture, in the order of the file."""
    text = (resources.files(__package__) / "catalogue.toml").read_text(encoding="utf-8")
    return {
        kind: {name: _Work(**facts) for name, facts in works.items()}
        for kind, works in tomllib.loads(text).items()
    }


_KINDS = _read_catalogue()
_PHOTOS, _STYLES, _PAINTINGS = (_KINDS[kind] for kind in ("photo", "style", "painting"))


def photo_names() -> list[str]:
    """Names that `photo` knows."""
    return list(_PHOTOS)


def training_photo_names() -> list[str]:
    """Those of `photo_names()` that serve for training where no others are given; the rest is held out of it."""
    return [name for name, work in _PHOTOS.items() if not work.held_out]


def style_names() -> list[str]:
    """Names of the study's own style images; `style` knows these and the paintings."""
    return list(_STYLES)


def painting_names() -> list[str]:
    """Names of the paintings, which `style` fetches when first asked for."""
    return list(_PAINTINGS)


def catalogue() -> "pd.DataFrame":
    """Every picture known by name, one a row; opens none of them and uses no network.

    Returns:
        Columns: name, kind ("photo", "style" or "painting"), title, artist, year (Int64, missing where not known; 1831
        is approximate for the Great Wave), licence, sha256 of the file (missing for the study's own styles), source (an
        address, a documentation page, or a path in this project).
    """
    import pandas as pd  # the one function here that needs it, and it loads slowly

    rows = [
        {"name": name, "kind": kind, **asdict(work)}
        for kind, works in _KINDS.items()
        for name, work in works.items()
    ]
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"year": "Int64"})


def photo(name: str, *, size: int | None = None) -> np.ndarray:
    """A photo of the catalogue.

    Args:
        name: one of `photo_names()`.
        size: length of the longer side in pixels; None keeps the file's.

    Returns:
        float32 (H, W, 3) in [0, 1].

    Raises:
        DataError: an unknown name, or the installed package does not carry the file.
        ImageError: an unusable `size`.
    """
    work = _look_up(name, _PHOTOS, "photo")
    package, _, folder = work.folder.partition("/")
    # Read from the package folder itself: skimage.data would fetch a file that it does not find.
    with resources.as_file(resources.files(package) / folder / work.file) as path:
        if not path.is_file():
            raise DataError(
                f"photo {name!r}: the installed {package} does not carry {work.file} (not at {path})"
            )
        return load_image(path, size=size)


def style(name: str, *, size: int | None = None) -> np.ndarray:
    """A style image or painting of the catalogue.

    A painting is fetched when first asked for and then read from `data_folder()`. A file there that has the right
    sha256 is used as it is, so the folder may be read-only; one that has another is replaced.

    Args:
        name: one of `style_names()` or `painting_names()`.
        size: length of the longer side in pixels; None keeps the file's.

    Returns:
        float32 (H, W, 3) in [0, 1].

    Raises:
        DataError: an unknown name, or a painting that can be neither found nor fetched; the message says which file
            is wanted and where it may be put.
        ImageError: an unusable `size`.
    """
    work = _look_up(name, _STYLES | _PAINTINGS, "style")
    path = _fetch(name, work) if name in _PAINTINGS else _style_folder() / work.file
    if not path.is_file():
        raise DataError(f"style {name!r}: the file {path} is missing from this installation")
    return load_image(path, size=size)


def style_size(name: str) -> int:
    """The longer side, in px, at which a style is used where nothing else is asked for.

    Its network was trained so, and the study and the command line do the same: marks come out at the size that they
    have in the style image.

    Args:
        name: one of `style_names()` or `painting_names()`.

    Raises:
        DataError: an unknown name.
    """
    return _look_up(name, _STYLES | _PAINTINGS, "style").size or STYLE_SIZE


def data_folder() -> Path:
    """The folder that keeps fetched paintings; not created until something is fetched.

    It is the environment variable NSTLIB_DATA_DIR, read at each call, or else the user's cache folder for "nst-study".
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
    package = Path(__file__).parents[1]
    installed = package / "assets" / "styles"
    return installed if installed.is_dir() else package.parent / "data" / "styles"


def _fetch(name: str, work: _Work) -> Path:
    """The path of a painting with the right hash in `data_folder()`, downloaded if need be."""
    folder = data_folder()
    path = folder / work.file
    held = "it holds no such file"
    try:
        if path.is_file():
            if _sha256(path) == work.sha256:
                return path
            held = "the file there has another sha256"
        _download(work.source, path, work.sha256)
    # pooch lets through the exceptions of whatever it downloads with, besides OSError and
    # ValueError (wrong hash).
    except Exception as error:
        raise DataError(
            f"painting {name!r} could not be fetched from {work.source} ({error}). "
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
