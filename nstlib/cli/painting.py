"""`nst stylize`: photos in, painted pictures out."""

import dataclasses
import functools
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

import nstlib as nst
from nstlib.arguments import check_shares
from nstlib.cli import common
from nstlib.cli.targets import find_clashes, find_photos, find_targets
from nstlib.cli.workers import (
    Outcomes,
    TargetOf,
    paint_in_turn,
    paint_on_cluster,
    paint_on_workers,
)
from nstlib.files import ALPHA_SUFFIXES, load_cut_out, load_mask
from nstlib.johnson import PRECISIONS
from nstlib.johnson.saved import read_network
from nstlib.machine.cores import use_cores

if TYPE_CHECKING:
    from nstlib.methods import Painter
    from nstlib.objective.perceptual import PerceptualLoss

# Of the optimisation alone, and why a network does without.
_OPTIMISED = {
    "steps": "a network paints in one pass",
    "style_weight": "a network has the weight of its training; --strength blends its picture with the photo",
    "stroke": "a network has the strokes of its training, `nst train --stroke`",
}

# Of the options, those that each photo is painted with.
_OF_A_PICTURE = (
    "size",
    "alpha",
    "shares",
    "style_weight",
    "steps",
    "strength",
    "preserve_colour",
)


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option(
    "--style",
    "styles",
    multiple=True,
    required=True,
    help="A name that `nst styles` lists, or a picture; several, for gatys and hybrid, are mixed.",
)
@click.option(
    "--share",
    "shares",
    type=float,
    multiple=True,
    help="How much of each of several styles, in their order [default: the same of each].",
)
@click.option(
    "--method",
    type=click.Choice(["johnson", "gatys", "hybrid"]),
    default="johnson",
    show_default=True,
)
@click.option("--network", type=click.Path(path_type=Path), help="Of `nst train`, for a picture.")
@click.option("--slim", is_flag=True, help="The shipped network of a quarter of the width.")
@click.option("--size", type=click.IntRange(1), help="Longer side in px [default: the photo's].")
@click.option("--steps", type=click.IntRange(1), help="Of gatys or hybrid [default: 100 or 20].")
@click.option(
    "--style-weight",
    type=click.FloatRange(0),
    help="Of gatys or hybrid: more of it paints more boldly [default: 30, or the network's].",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Share of the painted picture in its blend with the photo.",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="A picture, white where the style goes and black where the photo stays.",
)
@common.stroke_option()
@click.option(
    "--preserve-color",
    "preserve_colour",
    type=click.Choice(["luminance", "histogram"]),
    help="Keep the photo's colours.",
)
@click.option(
    "--engine",
    type=click.Choice(["tensorflow", "openvino"]),
    help="What runs a network [default: openvino where it is installed].",
)
@common.precision_option(*PRECISIONS)
@click.option(
    "--alpha",
    type=click.Choice(["keep", "white"]),
    default="keep",
    show_default=True,
    help="Of a cut-out: its transparency comes back, or stays white.",
)
@click.option("-o", "--output", help="A picture, or a folder for several [default: this folder].")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--skip-existing", is_flag=True, help="Leave out photos whose result exists.")
@click.option("--workers", type=click.IntRange(1), help="Paint in so many processes at once.")
@click.option("--scheduler", metavar="ADDRESS", help="Paint on the workers of a Dask scheduler.")
@click.option(
    "--threads", type=click.IntRange(1), help="Cores for each process [default: all of them]."
)
@common.reported
def stylize(photos, styles, method, network, slim, engine, precision, **options) -> None:
    """Paint photos in a style.

    PHOTO is a picture, a folder of pictures, or a pattern such as "holiday/*.jpg". Hidden files, and what an earlier
    run painted in the folder, are left out.

    \b
    Examples:
      nst stylize photo.jpg --style wave -o out.png
      nst stylize holiday/ --style wave --preserve-color luminance -o painted/
      nst stylize holiday/ --style wave --skip-existing --workers 2 -o painted/
      nst stylize photo.jpg --style wave --strength 0.6
      nst stylize photo.jpg --style wave --mask where.png
      nst stylize photo.jpg --style my_painting.jpg --method gatys --size 512 --stroke 600
      nst stylize photo.jpg --method gatys --style wave --style udnie --share 2 --share 1
    """
    _check_options(method, network, slim, options)
    _check_mix(styles, method, options)
    engine = _engine(engine, method, precision)
    label = "_".join(common.style_label(style) for style in styles)
    mask = None if options["mask"] is None else load_mask(options["mask"])
    found = find_photos(photos, label)
    targets = find_targets(found.files, label, options["output"])
    _report_found(found)
    clashes = find_clashes(targets)
    waiting = _waiting(targets, clashes, skip_existing=options["skip_existing"])
    failed = len(found.empty)
    if waiting:
        painting = Painting(
            styles=[_style(style, method, options["stroke"]) for style in styles],
            method=method,
            network=_network(network, styles[0], method),
            width=common.width_of(slim),
            engine=engine,
            precision=precision,
            mask=mask,
            options={name: options[name] for name in _OF_A_PICTURE},
            progress=len(targets) == 1,
        )
        target_of = functools.partial(_target_of, targets, clashes, options["force"])
        outcomes = _outcomes(painting, list(waiting), target_of, options)
        failed += _report_all(outcomes, waiting, method)
    if failed:
        several = len(found.files) + len(found.empty)
        raise common.bad_input(f"{failed} of {several} could not be done")


def _check_options(
    method: str, network: Path | None, slim: bool, options: Mapping[str, Any]
) -> None:
    """Refuses what would have no effect."""
    if slim and (network is not None or method == "gatys"):
        raise click.UsageError(
            "--slim: only with a shipped network, which needs --method johnson or hybrid"
        )
    for name, reason in _OPTIMISED.items():
        if method == "johnson" and options[name] is not None:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option}: only with --method gatys or hybrid; {reason}")
    if options["scheduler"] and (options["workers"] or options["threads"]):
        raise click.UsageError(
            "--scheduler: not with --workers or --threads; `dask worker ADDRESS --nthreads 1` starts workers"
        )
    if options["force"] and options["skip_existing"]:
        raise click.UsageError("--skip-existing: not with --force, which replaces what exists")


def _check_mix(styles: Sequence[str], method: str, options: Mapping[str, Any]) -> None:
    """Refuses styles and shares that make no mix."""
    if len(styles) > 1 and method == "johnson":
        raise click.UsageError(
            "--style: a network paints one style; several are mixed by --method gatys, and by hybrid, which starts "
            "from the network of the first"
        )
    if options["shares"]:
        check_shares(options["shares"], "--share", count=len(styles))


def _engine(asked: str | None, method: str, precision: str) -> str:
    """What is to run: OpenVINO passes a network where it is installed, and nothing else."""
    if method != "johnson":
        if asked == "openvino":
            raise click.UsageError(f"--engine: openvino runs --method johnson alone, not {method}")
        asked = "tensorflow"
    asked = asked or ("openvino" if find_spec("openvino") else "tensorflow")
    if precision == "int8" and asked != "openvino":
        raise click.UsageError("--precision: int8 needs --method johnson and --engine openvino")
    return asked


def _report_found(found) -> None:
    for name, reason in found.empty.items():
        text = common.printable(reason)
        known = common.printable(name) in text
        click.echo(text if known else f"{common.printable(name)}: {text}", err=True)
    if found.results:
        names = ", ".join(common.printable(each) for each in found.results[:3])
        more = f" and {len(found.results) - 3} more" if len(found.results) > 3 else ""
        click.echo(f"left out as painted by an earlier run: {names}{more}", err=True)


def _waiting(
    targets: Mapping[Path, Path], clashes: Mapping[Path, str], *, skip_existing: bool
) -> dict[Path, Path]:
    """The photos that are to be painted or reported, and their targets."""
    waiting = {
        photo: target
        for photo, target in targets.items()
        if photo in clashes or not (skip_existing and target.exists())
    }
    if len(waiting) < len(targets):
        click.echo(f"{len(targets) - len(waiting)} skipped, whose result exists", err=True)
    return waiting


def _style(style: str, method: str, stroke: int | None) -> np.ndarray | str:
    """The picture; a pass through a shipped network needs its name alone, and a painting need not be fetched."""
    if method == "johnson" and style in common.known_styles():
        return style
    return common.style_image(style, stroke)


def _network(network: Path | None, style: str, method: str) -> str | Path | None:
    """Name or file of the network, whose objective `gatys` takes; None where that needs none.

    Raises:
        click.UsageError: a picture of one's own, and a method that needs a network.
    """
    if network:
        return network
    if style in (nst.network_names() if method == "gatys" else common.known_styles()):
        return style
    if method == "gatys":
        return None
    raise click.UsageError(
        f"--style: {common.printable(style)} needs --network, of `nst train`, or --method gatys"
    )


@dataclasses.dataclass(frozen=True)
class Painting:
    """What makes a painted picture of a photo, both files; in whichever process, it loads the network there, once.

    Attributes:
        styles: pictures, or names.
        method: of `nst.stylize`.
        network: a name, a file, or the content of one; None for none.
        width: of a shipped network.
        engine: what runs it.
        precision: of the engine.
        mask: where the style goes; None for everywhere.
        options: of a picture, by name.
        progress: whether the optimisation of one picture shows a bar.
    """

    styles: Sequence[np.ndarray | str]
    method: str
    network: str | Path | bytes | None
    width: float
    engine: str
    precision: str
    mask: np.ndarray | None
    options: Mapping[str, Any]
    progress: bool = False

    def __call__(self, photo: Path, target: Path) -> None:
        """Reads the one and writes the other."""
        image, alpha = load_cut_out(photo, size=self.options["size"])
        keeps = self.options["alpha"] == "keep" and target.suffix.lower() in ALPHA_SUFFIXES
        nst.save_image(target, self.call(image), alpha=alpha if keeps else None)

    @functools.cached_property
    def call(self) -> Callable[[np.ndarray], np.ndarray]:
        """From photo to picture."""
        if self.engine == "tensorflow":
            common.start_backend(self.precision)
        painter = self._painter()
        return functools.partial(
            nst.stylize,
            style=self.styles,
            style_shares=self.options["shares"] or None,
            method=self.method,
            network=painter,
            objective=_objective(painter, self.options["style_weight"]),
            steps=self.options["steps"],
            strength=self.options["strength"],
            mask=self.mask,
            preserve_colour=self.options["preserve_colour"],
            progress=self.progress,
        )

    def elsewhere(self) -> "Painting":
        """The same for processes that may not see the file of the network."""
        if not isinstance(self.network, Path):
            return self
        read_network(self.network)  # what is wrong with it is to be known now
        return dataclasses.replace(self, network=self.network.read_bytes())

    def _painter(self) -> "Painter | None":
        if isinstance(self.network, bytes):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "network.npz"
                file.write_bytes(self.network)
                return self._loaded(file)
        return None if self.network is None else self._loaded(self.network)

    def _loaded(self, which: str | Path) -> "Painter":
        if self.engine == "openvino":
            return nst.load_engine(which, width=self.width, precision=self.precision)
        return nst.load_network(which, width=self.width)


def _objective(painter: "Painter | None", style_weight: float | None) -> "PerceptualLoss | None":
    """That of the network with another weight, or None for the library's choice."""
    if style_weight is None:
        return None
    from nstlib.methods import network_objective

    objective = network_objective(painter) if painter else None
    return dataclasses.replace(objective or nst.PerceptualLoss(), style_weight=style_weight)


def _target_of(
    targets: Mapping[Path, Path], clashes: Mapping[Path, str], force: bool, photo: Path
) -> Path:
    """The file for a photo, if it can be written."""
    if photo in clashes:
        raise click.UsageError(clashes[photo])
    common.check_target(targets[photo], force=force, instead=", --skip-existing leaves it")
    return targets[photo]


def _outcomes(
    painting: Painting, photos: Sequence[Path], target_of: TargetOf, options: Mapping[str, Any]
) -> Outcomes:
    """Each photo, once it is painted, or with what went wrong."""
    workers, threads = options["workers"], options["threads"]
    if options["scheduler"]:
        painting = painting.elsewhere()
        return paint_on_cluster(painting, photos, target_of, scheduler=options["scheduler"])
    if workers:
        how = {"workers": workers, "threads": threads, "force": options["force"]}
        return paint_on_workers(painting.elsewhere(), photos, target_of, **how)
    if threads:
        use_cores(threads)
    painting.call  # noqa: B018  a network that cannot be loaded is one error, not one a photo
    return paint_in_turn(painting, photos, target_of)


def _report_all(outcomes: Outcomes, targets: Mapping[Path, Path], label: str) -> int:
    """Says of each photo where it went, or why not; how many could not be done."""
    failed = 0
    with click.progressbar(length=len(targets), file=sys.stderr, label=label) as bar:
        for photo, error in outcomes:
            if error is None:
                click.echo(common.printable(targets[photo]))
            else:
                failed += 1
                name, reason = common.printable(photo), common.printable(error)
                click.echo(f"\n{reason if name in reason else f'{name}: {reason}'}", err=True)
            bar.update(1)
    return failed
