"""What the pages of docs/web load: their sources, the networks, pictures to choose from, and the study's numbers."""

import gzip
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

import nstlib as nst
from nstlib.errors import DataError
from nstlib.images import centre_crop
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.onnx_graph import onnx_model
from nstlib.johnson.saved import network_names, network_path, read_network
from nstlib.study.costs import expected_seconds
from nstlib.study.method import SLIM, WIDE, Method
from nstlib.study.running import pictures_of_strip

SIZES = (256, 384, 512)  # px, the longer side of what is painted
SCORES = {
    "total": "loss, lower is better",
    "lpips": "distance to the photo (LPIPS), lower keeps more of it",
    "strokes": "strokes, at 1 as strong as those of the painting",
}
# Of onnxruntime-web, by what it computes with: the module, and the binary. That of WebGPU has WebAssembly as well.
_RUNTIMES = {
    "wasm": ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"),
    "webgpu": ("ort.jspi.bundle.min.mjs", "ort-wasm-simd-threaded.jspi.wasm"),
}
_THUMBNAIL = 160  # px, twice what is shown, for screens of many pixels
_PHOTO = 768  # px, the longer side of a photo to choose
_QUALITY = 85
_EVALS = 100  # of an optimisation with which a pass is compared, the default of `nst.stylize`
# Licences with which a site may pass a photo on; one photo of scikit-image has none.
_FREE = ("public domain", "CC0-1.0")


def make(root: Path, target: Path) -> None:
    """Writes the files.

    Args:
        root: of the project.
        target: the folder `web` of the site; made if need be.
    """
    for folder in ("networks", "pictures", "study"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    for pattern in ("*.js", "*.css"):
        for source in (root / "docs" / "web").glob(pattern):
            shutil.copy(source, target)
    facts = nst.catalogue().set_index("name")
    photos = [name for name in nst.photo_names() if facts.licence[name] in _FREE]
    about = {
        "sizes": SIZES,
        "runtimeBytes": _copy_runtimes(
            root / "build/web/node_modules/onnxruntime-web/dist", target
        ),
        "styles": [_style(name, facts.loc[name], target) for name in network_names(SLIM_WIDTH)],
        "photos": [_photo(name, facts.loc[name], target) for name in photos],
        "optimisation": optimisation(root / "results/tables/speed.csv"),
    }
    _write(target / "try.json", about)
    _write(target / "study.json", read_study(root / "results", target / "study"))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _copy_runtimes(source: Path, target: Path) -> dict[str, int]:
    """onnxruntime-web, whose binaries are packed; the bytes of those. Without it the page says what is missing."""
    packed = {}
    for kind, (program, binary) in _RUNTIMES.items():
        if (source / program).is_file():
            shutil.copy(source / program, target)
            content = gzip.compress((source / binary).read_bytes(), mtime=0)
            (target / f"runtime_{kind}.z").write_bytes(content)
            packed[kind] = len(content)
    return packed


# --- networks and pictures ---------------------------------------------------------------------


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its weights in float16, in half the bytes; a cast turns each back into float32 when it is loaded.

    Args:
        model: with float32 weights, which is left as it is.

    Returns:
        Another, that computes in float32 as before.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    casts = []
    for weights in half.graph.initializer:
        if weights.data_type == TensorProto.FLOAT and len(weights.dims) > 0:
            name, stored = weights.name, f"{weights.name}_half"
            array = numpy_helper.to_array(weights).astype(np.float16)
            weights.CopyFrom(numpy_helper.from_array(array, stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    onnx.checker.check_model(half, full_check=True)
    return half


def _style(name: str, facts: pd.Series, target: Path) -> dict[str, Any]:
    """The network of a style and what the page says of it."""
    network, thumbnail = f"networks/{name}.onnx", f"pictures/{name}.jpg"
    model = halved(onnx_model(read_network(network_path(name, width=SLIM_WIDTH))))
    (target / network).write_bytes(model.SerializeToString())
    picture, alternative = _look_of(name, facts)
    _save(centre_crop(picture, _THUMBNAIL, _THUMBNAIL), target / thumbnail)
    return {
        "name": name,
        "title": facts.title,
        "credit": _credit(facts),
        "network": network,
        "bytes": (target / network).stat().st_size,
        "thumbnail": thumbnail,
        "alternative": alternative,
    }


def _look_of(name: str, facts: pd.Series) -> tuple[np.ndarray, str]:
    """The painting, whose title says all; offline, where it was never fetched, a photo that its network painted."""
    try:
        return nst.style(name, size=2 * _THUMBNAIL), ""
    except DataError:
        network = nst.load_engine(name, width=SLIM_WIDTH)
        painted = network.stylize(nst.photo("astronaut", size=2 * _THUMBNAIL))
        return painted, f"A photo of an astronaut in the style of {facts.title}"


def _photo(name: str, facts: pd.Series, target: Path) -> dict[str, Any]:
    """A photo to choose and what the page says of it."""
    file, thumbnail = f"pictures/{name}_photo.jpg", f"pictures/{name}_small.jpg"
    photo = nst.photo(name)
    _save(nst.resize(photo, min(_PHOTO, max(photo.shape[:2]))), target / file)
    _save(centre_crop(photo, _THUMBNAIL, _THUMBNAIL), target / thumbnail)
    about = {"name": name, "title": facts.title, "credit": _credit(facts)}
    return about | {"file": file, "thumbnail": thumbnail}


def _save(image: np.ndarray, path: Path) -> None:
    nst.save_image(path, image, quality=_QUALITY)


def _credit(facts: pd.Series) -> str:
    return facts.artist if pd.isna(facts.year) else f"{facts.artist}, {facts.year}"


# --- the study ---------------------------------------------------------------------------------


def optimisation(table: Path) -> dict[str, Any]:
    """What the page says of an optimisation: evaluations, seconds a pixel of all of them by size, cores it ran on.

    Args:
        table: of the full study's speed, with its note beside it.
    """
    speed, note = pd.read_csv(table), json.loads(table.with_suffix(".json").read_text("utf-8"))
    seconds = {
        size: _EVALS * expected_seconds("evaluation", size * size, speed) / (size * size)
        for size in SIZES
    }
    return {"evals": _EVALS, "secondsPerPixel": seconds, "cores": note["machine"]["cores"]}


def read_study(results: Path, target: Path) -> dict[str, Any]:
    """Scores of the study, pair by pair, with the pictures that are cut out of the strips.

    Args:
        results: the results folder of the project. The full study is taken, or the quick one where that alone has its
            strips of pictures.
        target: the folder for the pictures.

    Returns:
        For the pages, JSON-ready; the pictures are None where there is no strip.
    """
    full, quick = (nst.study.results_folder(name, root=results) for name in ("full", "quick"))
    chosen = quick if not _strips(full) and _strips(quick) else full
    sizes = [int(path.stem.split("_")[1]) for path in _tables(chosen)]
    if not sizes:
        return {"size": None, "scores": SCORES, "pairs": []}
    name = f"study_{min(sizes)}"
    groups = chosen.read(name).groupby(["photo", "style_image"], sort=False)
    facts = nst.catalogue().set_index("name")
    pairs = []
    for (photo, style), rows in groups:
        rows = _shown(rows.set_index("method"))
        strip = chosen.folder / "images" / f"{name}_{photo}_{style}.jpg"
        pictures = _cut(strip, photo, list(rows.index), target)
        methods = [_method(label, row) for label, row in rows.iterrows()]
        titles = {"photoTitle": facts.title[photo], "styleTitle": facts.title[style]}
        pairs.append({"photo": photo, "style": style, "methods": methods, **titles, **pictures})
    return {"size": min(sizes), "scores": SCORES, "pairs": pairs}


def _tables(results: nst.study.ResultsFolder) -> list[Path]:
    return list((results.folder / "tables").glob("study_[0-9]*[0-9].csv"))


def _strips(results: nst.study.ResultsFolder) -> list[Path]:
    return list((results.folder / "images").glob("study_*.jpg"))


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a pair whose pictures stand in its strip, in the order of the strip."""
    methods = [Method.parse(label) for label in rows.index]

    def longest(kind: str) -> list[Method]:
        found = [method for method in methods if method.kind == kind]
        return sorted(found, key=lambda method: method.evals)[-1:]

    networks = [method for method in (WIDE, SLIM) if method in methods]
    return rows.loc[[each.label for each in (*longest("gatys"), *networks, *longest("hybrid"))]]


def _method(label: str, row: pd.Series) -> dict[str, Any]:
    scores = {name: None if pd.isna(row[name]) else float(row[name]) for name in SCORES}
    return {"label": label, "slug": _slug(label), "scores": scores}


def _slug(label: str) -> str:
    return label.lower().replace(" ", "_")


def _cut(strip: Path, photo: str, labels: Sequence[str], target: Path) -> dict[str, Any]:
    """The photo and the pictures of the methods as files; the start of their names and the sides that they have."""
    if not strip.is_file():
        return {"pictures": None}
    height, width = nst.photo(photo).shape[:2]
    names = ["photo", *map(_slug, labels)]
    pictures = pictures_of_strip(
        nst.load_image(strip), proportions=width / height, count=len(names)
    )
    for name, picture in zip(names, pictures, strict=True):
        _save(picture, target / f"{strip.stem}_{name}.jpg")
    height, width = pictures[0].shape[:2]
    return {"pictures": f"study/{strip.stem}_", "width": width, "height": height}
