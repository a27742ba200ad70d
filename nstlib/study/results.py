"""Writes the tables, figures and images of the study, each with a note of where it came from."""

import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from nstlib.files import replacing
from nstlib.images import check_image, to_uint8
from nstlib.machine.measuring import package_version

FIGURE_DPI = 110
JPEG_QUALITY = 95

_PROFILES = ("smoke", "quick", "full")
_IMAGE_SUFFIXES = (".png", ".jpg")
_NAME = re.compile(r"[a-z0-9_]+")
_PACKAGES = {
    "tensorflow": "tensorflow",
    "keras": "keras",
    "numpy": "numpy",
    "nstlib": "nst-study",
}


@dataclass(frozen=True)
class ResultsFolder:
    """Where one profile writes its results.

    Every file NAME.csv, NAME.png or NAME.jpg gets a NAME.json beside it with the profile, the
    seed, the time of writing (UTC), the versions, the machine and the caption. Both are written
    under another name first and then moved into place, so a failure leaves the old ones whole.
    Names consist of a-z, 0-9 and _. Writing to a name again replaces what was there.

    Attributes:
        root: the results folder of the study; made when something is written.
        profile: "full" writes in `root` itself, the others in root/NAME, so that a quick run
            cannot overwrite full results.
        seed: the seed of the run, or None where chance played no part.
        machine: what the run was measured on, as `nstlib.machine.describe_machine` says it.
    """

    root: Path
    profile: str
    seed: int | None = None
    machine: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.profile not in _PROFILES:
            raise ValueError(f"profile is {self.profile!r}; accepted: {', '.join(_PROFILES)}")

    @property
    def folder(self) -> Path:
        """The folder that this profile writes in."""
        return self.root if self.profile == "full" else self.root / self.profile

    def table(self, name: str, frame: pd.DataFrame, *, caption: str | None = None) -> Path:
        """Write `frame` to tables/NAME.csv: no index, floats with 6 significant digits.

        Args:
            name: of the file, without suffix.
            frame: the table.
            caption: what it shows, for the note beside it.

        Returns:
            The path of the table.

        Raises:
            ValueError: if `name` is malformed, or the index of `frame` holds labels, which the
                file would lose (`frame.reset_index()` turns them into a column).
        """
        path = self._path("tables", name, ".csv")
        named = any(label is not None for label in frame.index.names)
        if named or frame.index.inferred_type not in ("integer", "empty"):
            raise ValueError(
                f"the index of table {name!r} holds labels; call frame.reset_index() first"
            )
        with self._writing(path, caption) as temporary:
            frame.to_csv(
                temporary, index=False, float_format="%.6g", lineterminator="\n", encoding="utf-8"
            )
        return path

    def figure(self, name: str, fig: Figure, caption: str) -> Path:
        """Write a matplotlib figure to figures/NAME.png at 110 dpi, cropped to its content.

        The caption becomes the label of the figure, and so its alternative text in a notebook.

        Args:
            name: of the file, without suffix.
            fig: the figure.
            caption: what it shows, also for the note beside it.

        Returns:
            The path of the picture.

        Raises:
            ValueError: if `name` is malformed or `caption` is empty.
        """
        path = self._path("figures", name, ".png")
        if not caption.strip():
            raise ValueError(f"figure {name!r} needs a caption")
        fig.set_label(caption)
        with self._writing(path, caption) as temporary:
            fig.savefig(temporary, format="png", dpi=FIGURE_DPI, bbox_inches="tight")
        return path

    def image(
        self, name: str, array: np.ndarray, *, suffix: str = ".png", caption: str | None = None
    ) -> Path:
        """Write an image to images/NAME.png or images/NAME.jpg.

        There is one image of a name: writing it as .jpg removes the .png, and the reverse.

        Args:
            name: of the file, without suffix.
            array: float (H, W, 3) in [0, 1].
            suffix: ".png" or ".jpg".
            caption: what it shows, for the note beside it.

        Returns:
            The path of the image.

        Raises:
            ImageError: an unusable `array`; see `check_image`.
            ValueError: if `name` or `suffix` is not as described.
        """
        if suffix not in _IMAGE_SUFFIXES:
            raise ValueError(f"suffix is {suffix!r}; accepted: {', '.join(_IMAGE_SUFFIXES)}")
        path = self._path("images", name, suffix)
        pixels = to_uint8(check_image(array, "array"))
        options = {"quality": JPEG_QUALITY, "subsampling": 0} if suffix == ".jpg" else {}
        with self._writing(path, caption) as temporary:
            kind = "JPEG" if suffix == ".jpg" else "PNG"
            Image.fromarray(pixels).save(temporary, format=kind, **options)
        for other in _IMAGE_SUFFIXES:
            if other != suffix:
                path.with_suffix(other).unlink(missing_ok=True)
        return path

    def read(self, name: str, *, text: Sequence[str] = ()) -> pd.DataFrame:
        """Read back tables/NAME.csv of this profile.

        Only an empty field is a missing value, so the word "None" stays a word. A float column
        of whole numbers comes back as integers. Columns named in `text` stay text whatever they
        look like, and an empty field is an empty text there.

        Args:
            name: of the file, without suffix.
            text: columns that are text.

        Returns:
            The table.

        Raises:
            ValueError: if `name` is malformed.
            FileNotFoundError: if there is no such table; those that exist are listed.
        """
        path = self._path("tables", name, ".csv")
        if not path.is_file():
            known = ", ".join(sorted(each.stem for each in path.parent.glob("*.csv"))) or "none"
            raise FileNotFoundError(
                f"no table {name!r} in the {self.profile} results; tables there: {known}"
            )
        table = pd.read_csv(
            path,
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8",
            dtype=dict.fromkeys(text, "str"),
        )
        columns = table.columns.intersection(text)
        return table.fillna(dict.fromkeys(columns, ""))

    def _path(self, kind: str, name: str, suffix: str) -> Path:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"name is {name!r}; accepted: one or more of a-z, 0-9 and _")
        return self.folder / kind / f"{name}{suffix}"

    @contextmanager
    def _writing(self, path: Path, caption: str | None) -> Iterator[Path]:
        """Yield a path to write to; then move it and its provenance into place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path.with_suffix(".json")) as note, replacing(path) as temporary:
            yield temporary
            text = json.dumps(self._provenance(caption), indent=2, ensure_ascii=False)
            note.write_text(f"{text}\n", encoding="utf-8")

    def _provenance(self, caption: str | None) -> dict[str, Any]:
        return {
            "profile": self.profile,
            "seed": self.seed,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {
                "python": platform.python_version(),
                **{name: package_version(package) for name, package in _PACKAGES.items()},
            },
            "machine": dict(self.machine),
            "caption": caption,
        }


def results_folder(
    profile: Any,
    *,
    root: str | Path | None = None,
    seed: int | None = None,
    machine: Mapping[str, str | int | float] | None = None,
) -> ResultsFolder:
    """The results folder for a profile: its name, or anything with a `name`.

    Args:
        profile: "smoke", "quick" or "full", or an object whose `name` is one of them.
        root: the results folder of the study. None takes `results` of the working directory or of
            the nearest parent that has one, else plans a new one in the working directory.
        seed: see `ResultsFolder`.
        machine: see `ResultsFolder`.

    Returns:
        The folder; nothing is made before something is written.

    Raises:
        ValueError: if there is no such profile.
    """
    return ResultsFolder(
        root=_default_root() if root is None else Path(root),
        profile=getattr(profile, "name", profile),
        seed=None if seed is None else int(seed),
        machine=dict(machine or {}),
    )


def _default_root() -> Path:
    here = Path.cwd()
    candidates = [folder / "results" for folder in (here, *here.parents)]
    return next((each for each in candidates if each.is_dir()), candidates[0])
