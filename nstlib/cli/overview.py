"""`nst styles`, `compare` and `recommend`: what there is, and which of it suits."""

import functools
import math
import time
from pathlib import Path

import click
import numpy as np

import nstlib as nst
from nstlib.cli import common
from nstlib.files import replacing

_SHEET = ("astronaut", "chelsea", "rocket", "motorcycle_left")
_CELL = (200, 280)  # px, height and width


@click.command()
@click.option("--sheet", type=click.Path(path_type=Path), help="Also draw those with a network.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@common.reported
def styles(sheet, force) -> None:
    """List the styles, and which of them have a network.

    \b
    Example:
      nst styles --sheet styles.png
    """
    if sheet is not None:
        common.check_picture(sheet, force=force)
    table = nst.catalogue().query("kind != 'photo'")
    table = table.assign(
        network=table["name"].isin(nst.network_names()).map({True: "yes", False: "no"})
    )
    table["year"] = table["year"].astype("string").fillna("")
    columns = ["name", "network", "title", "artist", "year", "licence"]
    click.echo(table[columns].to_string(index=False, justify="left"))
    if sheet is not None:
        common.start_backend()
        nst.save_image(sheet, _contact_sheet())
        click.echo(common.printable(sheet))


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option("--style", required=True, help="A name with a network: `nst styles`; or a picture.")
@click.option("--network", type=click.Path(path_type=Path), help="Of `nst train`, for a picture.")
@click.option("--size", type=click.IntRange(32), default=384, show_default=True, help="In px.")
@click.option("--steps", type=click.IntRange(1), default=50, show_default=True, help="Of `gatys`.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="[default: PHOTO_STYLE_compared.png]"
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@common.reported
def compare(photo, style, network, size, steps, output, force) -> None:
    """Both methods, the hybrid and two baselines on one photo: a figure, and a table beside it (.csv).

    The seconds are those of a first call, the making of the compiled functions included.

    \b
    Example:
      nst compare photo.jpg --style wave -o both.png
    """
    from nstlib.methods import network_objective

    label = common.style_label(style)
    if network is None and style not in common.known_styles():
        raise click.UsageError(
            f"--style: {common.printable(style)} needs --network, of `nst train`"
        )
    output = output or Path(f"{photo.stem}_{label}_compared.png")
    table_path = output.with_suffix(".csv")
    common.check_picture(output, force=force)
    common.check_target(table_path, force=force)
    image, style_image = nst.load_image(photo, size=size), common.style_image(style)
    common.start_backend()
    network = nst.load_network(network or style)
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
    click.echo(f"{common.printable(output)}\n{common.printable(table_path)}")


@click.command()
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
@common.reported
def recommend(calibrate, **constraints) -> None:
    """Say which method suits, from what the study measured.

    \b
    Example:
      nst recommend --images 200 --size 512 --own-style
    """
    common.start_backend()
    advice = nst.study.recommend(**constraints, speed=nst.study.calibrate() if calibrate else None)
    click.echo(f"{advice.reason}\n  {advice.command}")
    if advice.runner_up:
        click.echo(f"Instead: {advice.runner_up.reason}\n  {advice.runner_up.command}")
    click.echo(f"From: {'; '.join(advice.sources)}")


def _contact_sheet():
    """Style image and what its network makes of some photos, one style a row."""
    photos = {name: nst.photo(name, size=common.STYLE_SIZE) for name in _SHEET}
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
