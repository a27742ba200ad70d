"""What several commands share: how errors are reported, what is checked before any work, and the start of Keras."""

import functools
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.data.pictures import style_size
from nstlib.files import SAVE_FORMATS
from nstlib.johnson import SLIM_WIDTH

#: What the library, or the system below it, refuses.
REFUSED = (nst.NstError, ValueError, OSError, MemoryError)


class _BadInput(click.ClickException):
    exit_code = 2


def bad_input(message: object) -> click.ClickException:
    """An error of one line and exit code 2."""
    return _BadInput(printable(message))


def reported(command: Callable) -> Callable:
    """What the library refuses becomes one line on stderr and exit code 2."""

    @functools.wraps(command)
    def run(*args, **options):
        with warnings.catch_warnings():
            warnings.showwarning = lambda said, *_, **__: click.echo(printable(said), err=True)
            try:
                return command(*args, **options)
            except REFUSED as error:
                raise bad_input(str(error) or _OUT_OF_MEMORY) from error
            except Exception as error:
                from nstlib.machine.memory import is_exhaustion

                if is_exhaustion(error):
                    raise bad_input(_OUT_OF_MEMORY) from error
                raise

    return run


_OUT_OF_MEMORY = "the memory ran out; --size makes pictures smaller"


def start_backend(precision: str = "float32") -> None:
    """Keras and its backend, without what TensorFlow writes to the standard error of the process (its issue 100442)."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import keras

        keras.ops.zeros(1)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    if precision == "bfloat16":
        nst.use_bfloat16()


def precision_option(*precisions: str) -> Callable:
    """`--precision`, the first of its values being the default."""
    return click.option(
        "--precision",
        type=click.Choice(precisions),
        default=precisions[0],
        show_default=True,
        help="bfloat16 is faster, on a processor that has instructions for it.",
    )


def stroke_option() -> Callable:
    """`--stroke`: marks come out at the size that they have in the style image."""
    return click.option(
        "--stroke",
        type=click.IntRange(32, 2048),
        help="Longer side of the style image in px: larger, larger strokes "
        f"[default: as its network was trained; {STYLE_SIZE} for a file].",
    )


def width_of(slim: bool) -> float:
    """Of a shipped network."""
    return SLIM_WIDTH if slim else 1.0


# --- styles ------------------------------------------------------------------------------------


def known_styles() -> set[str]:
    """Every name that is a style."""
    return {*nst.style_names(), *nst.painting_names(), *nst.network_names()}


def style_label(style: str) -> str:
    """What files are called after a style, by name or as a picture.

    Raises:
        click.UsageError: neither a name nor a picture.
    """
    known = known_styles()
    if style in known:
        return style
    # The name of a file says little: paintings without a suffix are pictures too.
    if not Path(style).suffix and not os.path.exists(style):  # noqa: PTH110
        raise click.UsageError(
            f"--style: {printable(repr(style))} is neither a picture nor one of {', '.join(sorted(known))}"
        )
    return Path(style).stem


def style_image(style: str | Path, size: int | None = None) -> np.ndarray:
    """The picture of a style, by name or as a file, its longer side of `size` px."""
    if str(style) in known_styles():
        return nst.style(str(style), size=size or style_size(str(style)))
    return nst.load_image(style, size=size or STYLE_SIZE)


# --- before any work is done -------------------------------------------------------------------


def written(path: str | Path) -> str:
    """What is wrong with a suffix."""
    return f"{printable(path)} is not of a kind that is written: {', '.join(SAVE_FORMATS)}"


def check_picture(path: Path, *, force: bool) -> None:
    """Refuses a picture that could not be written.

    Raises:
        click.UsageError: by its suffix, or see `check_target`.
    """
    if path.suffix.lower() not in SAVE_FORMATS:
        raise click.UsageError(written(path))
    check_target(path, force=force)


def check_target(path: Path, *, force: bool, instead: str = "") -> None:
    """Refuses a file that could not be written.

    Args:
        path: of the file.
        force: whether one that exists may be replaced.
        instead: what else can be done about one that exists.

    Raises:
        click.UsageError: there is no such folder, it cannot be written, or the file exists.
    """
    if not path.parent.is_dir():
        raise click.UsageError(f"{printable(path)}: its folder does not exist")
    if path.exists() and not force:
        raise click.UsageError(f"{printable(path)} exists; --force replaces it{instead}")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()  # what permissions say is not all
    except OSError as error:
        raise click.UsageError(f"{printable(path)}: cannot be written ({error})") from error


def printable(text: object) -> str:
    """A name may hold what no terminal can show: line ends, control characters, bytes that are no text."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))
