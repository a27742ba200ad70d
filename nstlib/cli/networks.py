"""`nst train` and `nst export`: networks of one's own, and networks for other programs."""

from pathlib import Path

import click

import nstlib as nst
from nstlib.cli import common
from nstlib.johnson.schedule import Schedule

_SCHEDULE = Schedule()


@click.command()
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
@common.stroke_option()
@click.option(
    "--start",
    help="Network to start from, a file or a name that `nst styles` lists [default: starry_night].",
)
@common.precision_option("float32", "bfloat16")
@click.option("--license", "licence", default="unknown", help="Of the painting, for the card.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Folder to go on from.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@common.reported
def train(
    painting,
    photos,
    output,
    steps,
    size,
    seed,
    style_weight,
    stroke,
    start,
    precision,
    licence,
    checkpoint,
    force,
) -> None:
    """Train a network for a painting of your own; some minutes without a GPU.

    Stopped and started again with the same --checkpoint folder, it goes on where it was. A finished network learns on
    with --start.

    \b
    Examples:
      nst train my_painting.jpg --photos holiday/ --checkpoint run/ -o my_style.npz
      nst stylize photo.jpg --style my_painting.jpg --network my_style.npz
      nst train my_painting.jpg --photos holiday/ --start my_style.npz -o better.npz
    """
    output = output or Path(f"{painting.stem}.npz")
    if output.suffix != ".npz":
        raise click.UsageError(f"--output: {common.printable(output)} does not end in .npz")
    common.check_target(output, force=force)
    style = nst.load_image(painting, size=stroke or common.STYLE_SIZE)
    common.start_backend(precision)
    result = nst.train(
        style,
        photos,
        schedule=nst.Schedule(steps=steps, size=size, seed=seed),
        objective=None if style_weight is None else nst.training_objective(style_weight),
        start=None if start is None else nst.load_network(start),
        checkpoint=checkpoint,
    )
    network = result.network.labelled(painting.stem, licence)
    click.echo(common.printable(nst.save_network(network, output)))


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--slim", is_flag=True, help="The shipped network of a quarter of the width.")
@click.option("--height", type=click.IntRange(16), help="Of the images, in px.")
@click.option("--width", type=click.IntRange(16), help="Of the images, in px.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@common.reported
def export(network, output, slim, height, width, force) -> None:
    """Write a network for other programs: .onnx or .tflite, for images of any size unless one is given.

    NETWORK is the name of a style with a network, or a file of `nst train`.

    \b
    Examples:
      nst export wave -o wave.onnx
      nst export my_style.npz -o my_style.tflite
    """
    common.check_target(output, force=force)
    common.start_backend()
    loaded = nst.load_network(network, width=common.width_of(slim))
    path = nst.export_network(loaded, output, height=height, width=width)
    click.echo(common.printable(path))
