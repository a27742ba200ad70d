"""Which photos are meant, and where the painted ones go."""

import functools
import glob
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from nstlib.cli.common import known_styles, printable, written
from nstlib.files import LOAD_SUFFIXES, SAVE_FORMATS

#: Suffixes by which a file in a folder says that it is a picture. Some are of kinds that are not read: who has such a
#: file among his photos is told so.
PICTURE_SUFFIXES = frozenset(
    {
        *LOAD_SUFFIXES,
        *(".jfif", ".jpe", ".hif", ".jp2", ".psd", ".tga", ".qoi", ".pbm", ".pnm", ".exr", ".hdr"),
        *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
    }
)


@dataclass(frozen=True)
class Found:
    """What some arguments mean.

    Attributes:
        files: the photos, each once.
        empty: the arguments that gave none, each with the reason.
        results: files that were left out since an earlier run painted them.
    """

    files: list[Path] = field(default_factory=list)
    empty: dict[str, str] = field(default_factory=dict)
    results: list[Path] = field(default_factory=list)


def find_photos(arguments: Sequence[str], label: str) -> Found:
    """The photos that are meant: folders give their pictures, patterns the files that they match.

    Args:
        arguments: names of files and folders, and patterns.
        label: what files are called after the style, by which results of earlier runs are known.
    """
    found, seen = Found(), set()
    expanded = {argument: _expand(argument, found) for argument in arguments}
    named = {
        _place(file) for inside, several in expanded.values() if not several for file in inside
    }
    for argument, (inside, several) in expanded.items():
        results = _results(inside, label) if several else set()
        if not inside:
            found.empty.setdefault(argument, "no picture there")
        for file in inside:
            if (place := _place(file)) not in seen:
                seen.add(place)
                left_out = file in results and place not in named
                (found.results if left_out else found.files).append(file)
    return found


def _expand(argument: str, found: Found) -> tuple[list[Path], bool]:
    """The files of an argument, and whether it stands for as many as there are."""
    # os.path, not pathlib, whose tests raise for a name too long and a folder that must not be entered.
    if os.path.isdir(argument):  # noqa: PTH112
        try:
            inside = sorted(Path(argument).iterdir())
        except OSError as error:
            found.empty[argument] = str(error)
            return [], True
        return [each for each in inside if _is_photo(each)], True
    if glob.has_magic(argument) and not os.path.exists(argument):  # noqa: PTH110
        return _matches(argument), True
    return [Path(argument)], False


def _is_photo(path: Path) -> bool:
    """Hidden files are none: macOS leaves a ._a.jpg beside each a.jpg on foreign disks."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def _matches(pattern: str) -> list[Path]:
    """What a pattern matches, in the deepest folder that is called so to the letter: trip [2024]/*.jpg."""
    folder = next((each for each in Path(pattern).parents if os.path.isdir(each)), Path())  # noqa: PTH112
    rest = str(Path(pattern).relative_to(folder))
    # Not Path.glob, which matches hidden files too.
    found = (folder / each for each in glob.glob(rest, root_dir=folder, recursive=True))  # noqa: PTH207
    return sorted(each for each in found if not os.path.isdir(each))  # noqa: PTH112


def _results(files: Sequence[Path], label: str) -> set[Path]:
    """Those of the files that earlier runs made: by their names, and by the photo that lies beside them."""
    known, beside = known_styles(), functools.cache(_stems)
    ends = [f"_{name}{end}" for name in {label, *known} for end in ("", "_compared")]
    found = set()
    for each in files:
        stem = each.stem
        # The label of a style of one's own may be any word or number, and say nothing by itself.
        own = label in known and stem.endswith(f"_{label}")
        made = own or not beside(each.parent).isdisjoint(_without_labels(stem, ends))
        if made and each.suffix == ".png":
            found.add(each)
    return found


def _without_labels(stem: str, ends: Sequence[str]) -> set[str]:
    """What a name may have been before one label, or several of a mix, came to its end."""
    shorter = {stem.removesuffix(end) for end in ends if stem.endswith(end)}
    return shorter.union(*(_without_labels(each, ends) for each in shorter))


def _stems(folder: Path) -> set[str]:
    """How the names of results of the photos in a folder begin."""
    try:
        photos = [each for each in folder.iterdir() if _is_photo(each)]
    except OSError:
        return set()
    return {form for each in photos for form in (each.stem, _with_suffix(each))}


# --- where they go -----------------------------------------------------------------------------


def find_targets(files: Sequence[Path], label: str, output: str | None) -> dict[Path, Path]:
    """The file for each photo; a folder for them is made.

    Two photos that differ in their suffixes alone have it in the names of their results.

    Args:
        files: the photos.
        label: what files are called after the style.
        output: a picture or a folder; None is the current folder.

    Raises:
        click.UsageError: several photos and one picture, or a kind of picture that is not written.
        OSError: the folder cannot be made.
    """
    picture = _one_picture(output)
    if picture and len(files) > 1:
        raise click.UsageError(
            f"--output: {printable(output)} is one picture, but there are several photos"
        )
    if picture:
        return dict.fromkeys(files, picture)
    folder = Path(output or ".")
    if folder.is_file():
        raise click.UsageError(f"--output: {printable(output)} is a file, not a folder")
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    suffixes = defaultdict(set)
    for file in files:  # casefold: there are disks on which A.png and a.png are one file
        suffixes[file.stem.casefold()].add(file.suffix)
    alike = {stem for stem, found in suffixes.items() if len(found) > 1}
    names = {
        file: _with_suffix(file) if file.stem.casefold() in alike else file.stem for file in files
    }
    return {file: folder / f"{name}_{label}.png" for file, name in names.items()}


def find_clashes(targets: Mapping[Path, Path]) -> dict[Path, str]:
    """Photos whose results would take the place of another photo or of its result, each with what it is."""
    clashes, taken = {}, {}
    photos = {_place(photo): photo for photo in targets}
    for photo, target in targets.items():
        place, name = _place(target), printable(target)
        other = taken.setdefault(place, photo)
        if other != photo:
            clashes[photo] = f"its result {name} is that of {printable(other)} too; run them apart"
        elif photos.get(place, photo) != photo:
            clashes[photo] = f"its result {name} is itself one of the photos; --output elsewhere"
    return clashes


def _place(path: Path) -> str:
    """Not resolved: two links to one photo are two photos."""
    return os.path.abspath(path)  # noqa: PTH100


def _one_picture(output: str | None) -> Path | None:
    """The picture that is meant, or None for a folder."""
    if not output or _is_folder(output) or not Path(output).suffix:
        return None
    if Path(output).suffix.lower() not in SAVE_FORMATS:
        raise click.UsageError(f"--output: {written(output)}; the name of a folder ends in /")
    return Path(output)


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or os.path.isdir(output)  # noqa: PTH112


def _with_suffix(file: Path) -> str:
    return f"{file.stem}_{file.suffix[1:]}" if file.suffix else file.stem
