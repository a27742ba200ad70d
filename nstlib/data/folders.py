"""Folders of photos, as sequences that load each photo when it is asked for."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from nstlib.errors import DataError, ImageError
from nstlib.files import LOAD_SUFFIXES, load_image


@dataclass(frozen=True)
class PhotoFolder(Sequence[np.ndarray]):
    """The usable photos of a folder, each loaded when asked for; made by `photo_folder`.

    `photos[i]` is a float32 image (H, W, 3) in [0, 1], in the size of its file unless `load` says otherwise, and
    `photos[a:b]` is a `PhotoFolder` of these photos.

    Attributes:
        paths: the usable files, sorted by name.
        skipped: the files that could not be loaded, each with the reason.
        load: what makes an image of a file.
    """

    paths: tuple[Path, ...]
    skipped: dict[Path, str]
    load: Callable[[Path], np.ndarray]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> "PhotoFolder": ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return replace(self, paths=self.paths[index])
        return self.load(self.paths[index])


def photo_folder(
    path: str | os.PathLike, *, load: Callable[[Path], np.ndarray] = load_image
) -> PhotoFolder:
    """The photos in a folder (not in folders inside it), as a sequence that loads them lazily.

    Files count whose suffix is that of a format `load_image` reads, in any case; hidden ones do not. Each is loaded
    once here, so that a bad one is found now and not in the middle of training.

    Args:
        path: the folder.
        load: what makes an image of a file, or raises an `ImageError`.

    Returns:
        The photos, sorted by the names of their files.

    Raises:
        DataError: no such folder, not a folder, one that cannot be read, or no usable photo in it.

    Warns:
        UserWarning: once, if some files cannot be loaded: how many, and the first five with the reason. They are
            skipped.
    """
    candidates = _candidates(path)
    if not candidates:
        raise DataError(
            f"photo folder {path}: holds no photos; "
            f"accepted: files ending in {', '.join(LOAD_SUFFIXES)} directly in the folder"
        )
    paths, skipped = [], {}
    for file in candidates:
        try:
            load(file)
        except ImageError as error:
            skipped[file] = str(error).removeprefix(f"{file}: ")
        else:
            paths.append(file)
    if not paths:
        raise DataError(f"photo folder {path}: no photo can be loaded. {_report(skipped)}")
    if skipped:
        warnings.warn(f"photo folder {path}: {_report(skipped)}", stacklevel=2)
    return PhotoFolder(tuple(paths), skipped, load)


def _candidates(path: str | os.PathLike) -> list[Path]:
    """The files of a folder that by their suffix are photos, sorted by name."""
    try:
        files = [
            file
            for file in Path(path).iterdir()
            if file.suffix.lower() in LOAD_SUFFIXES
            and not file.name.startswith(".")  # macOS leaves a ._a.jpg beside each a.jpg
            and not file.is_dir()
        ]
    except (OSError, TypeError, ValueError) as error:
        raise DataError(
            f"photo folder {path!s}: cannot be read ({_folder_reason(error)}); "
            "accepted: the path of a folder of photos"
        ) from error
    return sorted(files, key=lambda file: file.name)


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
