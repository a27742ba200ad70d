"""The command line: `nst stylize`, `styles`, `train`, `export`, `compare` and `recommend`.

Exit codes: 0 done, 2 bad usage or bad input, 1 interrupted. Of several photos a bad one is reported and left out, the
others are done, and the code is 2. No file that exists is replaced without `--force`.
"""

import functools
import glob
import logging
import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

import nstlib as nst
from nstlib.data.pictures import STYLE_SIZE
from nstlib.files import LOAD_SUFFIXES, SAVE_FORMATS, replacing
from nstlib.johnson import SLIM_WIDTH

_SHEET = ("astronaut", "chelsea", "rocket", "motorcycle_left")
_CELL = (200, 280)  # px, height and width
_SCHEDULE = nst.Schedule()
# What the library, or the system below it, refuses.
_REFUSED = (nst.NstError, ValueError, OSError, MemoryError)


class _BadInput(click.ClickException):
    exit_code = 2


def _reported(command: Callable) -> Callable:
    """What the library refuses becomes one line on stderr and exit code 2."""

    @functools.wraps(command)
    def run(*args, **options):
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: click.echo(f"{message}", err=True)
            _start_backend()
            try:
                return command(*args, **options)
            except _REFUSED as error:
                raise _BadInput(_printable(error)) from error

    return run


def _start_backend() -> None:
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


_bfloat16 = click.option(
    "--bfloat16", is_flag=True, help="Faster, on a processor that has instructions for it."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nst-study", prog_name="nst")
def main() -> None:
    """Neural style transfer on photos: by a trained network, by optimisation, or both.

    \b
    Examples:
      nst stylize photo.jpg --style wave
      nst stylize holiday/ --style starry_night --size 1024 -o painted/
      nst compare photo.jpg --style wave
      nst train my_painting.jpg --photos holiday/ -o my_style.npz
      nst recommend --images 200 --size 512
    """


@main.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--style", required=True, help="A name that `nst styles` lists, or a picture.")
@click.option(
    "--method",
    type=click.Choice(["johnson", "gatys", "hybrid"]),
    default="johnson",
    show_default=True,
)
@click.option("--network", type=click.Path(path_type=Path), help="Of `nst train`, for a picture.")
@click.option("--slim", is_flag=True, help="The shipped network of a quarter of the width.")
@click.option("--size", type=click.IntRange(1), help="Longer side in px [default: the photo's].")
@click.option("--steps", type=click.IntRange(0), help="Of the optimisation [default: 100 or 20].")
@click.option(
    "--preserve-color",
    "preserve_colour",
    type=click.Choice(["luminance", "histogram"]),
    help="Keep the photo's colours.",
)
@_bfloat16
@click.option("-o", "--output", help="A picture, or a folder for several [default: this folder].")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@_reported
def stylize(
    photos,
    style,
    method,
    network,
    slim,
    size,
    steps,
    preserve_colour,
    bfloat16,
    output,
    force,
) -> None:
    """Paint photos in a style.

    PHOTO is a picture, a folder of pictures, or a pattern such as "holiday/*.jpg".

    \b
    Examples:
      nst stylize photo.jpg --style wave -o out.png
      nst stylize holiday/ --style wave --preserve-color luminance -o painted/
      nst stylize photo.jpg --style my_painting.jpg --method gatys --size 512
    """
    if slim and (network is not None or method == "gatys"):
        raise click.UsageError(
            "--slim: only with a shipped network, which needs --method johnson or hybrid"
        )
    if bfloat16:
        nst.use_bfloat16()
    files, empty = _pictures(photos)
    options = {
        "method": method,
        "steps": steps,
        "preserve_colour": preserve_colour,
        "progress": len(files) == 1,
    }
    style_image, label = _style(style)
    if network is not None or (method != "gatys" and isinstance(style_image, str)):
        # Once for all photos.
        options["network"] = nst.load_network(network or style_image, width=_width(slim))
    for each in empty:
        click.echo(f"{_printable(each)}: no picture there", err=True)
    failed, done = len(empty), set()
    with click.progressbar(files, file=sys.stderr, label=method) as bar:
        for file in bar:
            try:
                target = _target(file, label, output, several=len(files) > 1)
                _check_target(target, force=force and target not in done)
                image = nst.stylize(nst.load_image(file, size=size), style_image, **options)
                nst.save_image(target, image)
            except (*_REFUSED, click.UsageError) as error:
                failed += 1
                name, reason = _printable(file), _printable(error)
                click.echo(f"\n{reason if name in reason else f'{name}: {reason}'}", err=True)
            else:
                done.add(target)
                click.echo(_printable(target))
    if failed:
        raise _BadInput(f"{failed} of {len(files) + len(empty)} could not be done")


@main.command()
@click.option("--sheet", type=click.Path(path_type=Path), help="Also draw those with a network.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@_reported
def styles(sheet, force) -> None:
    """List the styles, and which of them have a network.

    \b
    Example:
      nst styles --sheet styles.png
    """
    if sheet is not None:
        _check_picture(sheet, force=force)
    table = nst.catalogue().query("kind != 'photo'")
    table = table.assign(
        network=table["name"].isin(nst.network_names()).map({True: "yes", False: "no"})
    )
    table["year"] = table["year"].astype("string").fillna("")
    columns = ["name", "network", "title", "artist", "year", "licence"]
    click.echo(table[columns].to_string(index=False, justify="left"))
    if sheet is not None:
        nst.save_image(sheet, _contact_sheet())
        click.echo(_printable(sheet))


@main.command()
@click.argument("painting", type=click.Path(path_type=Path))
@click.option("--photos", type=click.Path(path_type=Path), help="Folder [default: built-in ones].")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="[default: PAINTING.npz]")
@click.option("--steps", type=click.IntRange(1), default=_SCHEDULE.steps, show_default=True)
@click.option(
    "--size",
    type=click.IntRange(16),
    default=_SCHEDULE.size,
    show_default=True,
    help="Of crops, px.",
)
@click.option("--seed", type=click.IntRange(0), default=_SCHEDULE.seed, show_default=True)
@click.option(
    "--style-weight",
    type=click.FloatRange(0),
    help="More of it paints more boldly, less keeps more of the photo [default: the library's].",
)
@_bfloat16
@click.option("--license", "licence", default="unknown", help="Of the painting, for the card.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Folder to go on from.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@_reported
def train(
    painting, photos, output, steps, size, seed, style_weight, bfloat16, licence, checkpoint, force
) -> None:
    """Train a network for a painting of your own; some minutes without a GPU.

    Stopped and started again with the same --checkpoint folder, it goes on where it was.

    \b
    Example:
      nst train my_painting.jpg --photos holiday/ --checkpoint run/ -o my_style.npz
      nst stylize photo.jpg --style my_painting.jpg --network my_style.npz
    """
    output = output or Path(f"{painting.stem}.npz")
    if output.suffix != ".npz":
        raise click.UsageError(f"--output: {_printable(output)} does not end in .npz")
    _check_target(output, force=force)
    if bfloat16:
        nst.use_bfloat16()
    result = nst.train(
        nst.load_image(painting, size=STYLE_SIZE),
        photos,
        schedule=nst.Schedule(steps=steps, size=size, seed=seed),
        objective=None if style_weight is None else nst.training_objective(style_weight),
        checkpoint=checkpoint,
    )
    network = result.network.labelled(painting.stem, licence)
    click.echo(_printable(nst.save_network(network, output)))


@main.command()
@click.argument("network", metavar="NETWORK")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--slim", is_flag=True, help="The shipped network of a quarter of the width.")
@click.option("--height", type=click.IntRange(16), help="Of the images, in px.")
@click.option("--width", type=click.IntRange(16), help="Of the images, in px.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@_reported
def export(network, output, slim, height, width, force) -> None:
    """Write a network for other programs: .onnx for any size, .tflite for one.

    NETWORK is the name of a style with a network, or a file of `nst train`.

    \b
    Examples:
      nst export wave -o wave.onnx
      nst export my_style.npz -o my_style.tflite --height 480 --width 640
    """
    _check_target(output, force=force)
    loaded = nst.load_network(network, width=_width(slim))
    path = nst.export_network(loaded, output, height=height, width=width)
    click.echo(_printable(path))


@main.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option("--style", required=True, help="A name with a network: `nst styles`.")
@click.option("--size", type=click.IntRange(32), default=384, show_default=True, help="In px.")
@click.option("--steps", type=click.IntRange(1), default=50, show_default=True, help="Of `gatys`.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="[default: PHOTO_STYLE_compared.png]"
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@_reported
def compare(photo, style, size, steps, output, force) -> None:
    """Both methods, the hybrid and two baselines on one photo: a figure, and a table beside it (.csv).

    The seconds are those of a first call, the making of the compiled functions included.

    \b
    Example:
      nst compare photo.jpg --style wave -o both.png
    """
    from nstlib.methods import network_objective  # with Keras, which --help does not wait for

    output = output or Path(f"{photo.stem}_{style}_compared.png")
    table_path = output.with_suffix(".csv")
    _check_picture(output, force=force)
    _check_target(table_path, force=force)
    image, style_image = nst.load_image(photo, size=size), nst.style(style, size=STYLE_SIZE)
    network = nst.load_network(style)
    options = {"network": network, "objective": network_objective(network)}
    paint = functools.partial(nst.stylize, image, style_image, **options)
    calls = {
        "colour transfer": lambda: nst.transfer_colour(image, style_image),
        "johnson": functools.partial(paint, method="johnson"),
        "hybrid 10": functools.partial(paint, method="hybrid", steps=10),
        f"gatys {steps}": functools.partial(paint, method="gatys", steps=steps),
    }
    images, seconds = {"identity": image}, {"identity": 0.0}
    for name, call in calls.items():
        start = time.perf_counter()
        images[name] = call()
        seconds[name] = time.perf_counter() - start
    scores = nst.evaluate(images, image, style_image, objective=options["objective"])
    scores.insert(1, "seconds", scores["method"].map(seconds))
    figure = nst.plots.gallery(
        image, style_image, {k: v for k, v in images.items() if k != "identity"}
    )
    nst.save_image(output, _pixels(figure))
    with replacing(table_path) as temporary:
        scores.to_csv(temporary, index=False, float_format="%.6g")
    click.echo(scores.round(3).to_string(index=False))
    click.echo(f"{_printable(output)}\n{_printable(table_path)}")


@main.command()
@click.option("--images", type=click.IntRange(1), required=True, help="Pictures to make, in all.")
@click.option("--size", type=click.IntRange(64), default=512, show_default=True, help="In px.")
@click.option("--seconds-per-image", type=float, default=math.inf, help="The longest it may take.")
@click.option("--styles", type=click.IntRange(1), default=1, show_default=True)
@click.option("--own-style", is_flag=True, help="Styles that no shipped network knows.")
@click.option(
    "--quality",
    type=click.Choice(["fast", "balanced", "best"]),
    default="balanced",
    show_default=True,
)
@click.option("--calibrate", is_flag=True, help="Measure this machine first, about a minute.")
@_reported
def recommend(calibrate, **constraints) -> None:
    """Say which method suits, from what the study measured.

    \b
    Example:
      nst recommend --images 200 --size 512 --own-style
    """
    advice = nst.study.recommend(**constraints, speed=nst.study.calibrate() if calibrate else None)
    click.echo(f"{advice.reason}\n  {advice.command}")
    if advice.runner_up:
        click.echo(f"Instead: {advice.runner_up.reason}\n  {advice.runner_up.command}")
    click.echo(f"From: {'; '.join(advice.sources)}")


def _width(slim: bool) -> float:
    return SLIM_WIDTH if slim else 1.0


def _pictures(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files that are meant, folders giving their pictures and patterns what they match; and what gave none."""
    files, empty = [], []
    for argument in arguments:
        path, found = Path(argument), [Path(argument)]
        # os.path, not pathlib, whose tests raise for a name too long and a folder that must not be entered.
        if os.path.isdir(argument):  # noqa: PTH112
            try:
                inside = sorted(path.iterdir())
            except OSError as error:
                click.echo(_printable(error), err=True)
                inside = []
            found = [each for each in inside if each.suffix.lower() in LOAD_SUFFIXES]
        elif glob.has_magic(argument) and not os.path.exists(argument):  # noqa: PTH110
            # Not Path.glob, which takes no absolute pattern.
            found = [Path(each) for each in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207
        files += found
        empty += [] if found else [argument]
    return files, empty


def _style(style: str):
    """What `nstlib.stylize` takes for it, a name or an image, and what files are called after it."""
    known = {*nst.style_names(), *nst.painting_names(), *nst.network_names()}
    if style in known:
        return style, style
    if not Path(style).suffix:
        raise click.UsageError(
            f"--style: {style!r} is neither a picture nor one of {', '.join(sorted(known))}"
        )
    return nst.load_image(style, size=STYLE_SIZE), Path(style).stem


def _target(photo: Path, label: str, output: str | None, *, several: bool) -> Path:
    if output and not several and Path(output).suffix.lower() in SAVE_FORMATS:
        return Path(output)
    folder = Path(output or ".")
    if folder.suffix.lower() in SAVE_FORMATS:
        raise click.UsageError(f"--output: {output} is one picture, but there are several photos")
    if folder.suffix.lower() in LOAD_SUFFIXES:
        raise click.UsageError(f"--output: {_written(output)}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{photo.stem}_{label}.png"


def _written(path) -> str:
    return f"{_printable(path)} is not of a kind that is written: {', '.join(SAVE_FORMATS)}"


def _check_picture(path: Path, *, force: bool) -> None:
    """Before any work is done."""
    if path.suffix.lower() not in SAVE_FORMATS:
        raise click.UsageError(_written(path))
    _check_target(path, force=force)


def _check_target(path: Path, *, force: bool) -> None:
    """Before any work is done."""
    if not path.parent.is_dir():
        raise click.UsageError(f"{_printable(path)}: its folder does not exist")
    if path.exists() and not force:
        raise click.UsageError(f"{_printable(path)} exists; --force replaces it")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()  # what permissions say is not all
    except OSError as error:
        raise click.UsageError(f"{_printable(path)}: cannot be written ({error})") from error


def _printable(text) -> str:
    """A name may hold what no terminal can show: line ends, control characters, bytes that are no text."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))


def _contact_sheet():
    """Style image and what its network makes of some photos, one style a row."""
    photos = {name: nst.photo(name, size=STYLE_SIZE) for name in _SHEET}
    rows = {
        "": {"style": None}
        | {name: nst.images.centre_crop(each, *_CELL) for name, each in photos.items()}
    }
    reachable = True  # one painting that cannot be fetched is enough to know about the others
    for name in nst.network_names():
        image = None
        if reachable or name in nst.style_names():
            try:
                image = nst.images.centre_crop(nst.style(name), *_CELL)
            except nst.errors.DataError as error:
                reachable = False
                click.echo(str(error), err=True)
        network = nst.load_network(name)
        painted = {
            key: nst.images.centre_crop(network.stylize(each), *_CELL)
            for key, each in photos.items()
        }
        rows[name] = {"style": image} | painted
    return _pixels(nst.plots.image_grid(rows))


def _pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3] / np.float32(255)
