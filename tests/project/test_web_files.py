"""What the pages of the site load: networks in half the bytes, the study's pictures, and where packages come from."""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tiny
from scripts import load
from studies import LABELS, SIZE, grey, write_study

import nstlib as nst
from nstlib.images import to_uint8
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.onnx_graph import onnx_model
from nstlib.johnson.saved import network_path, read_network

ROOT = Path(__file__).parents[2]
WEB = ROOT / "docs" / "web"
web_files = load(ROOT / "docs" / "web_files.py")


def painted(model, photo: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(model.SerializeToString()).run(
        None, {"images": photo[None]}
    )[0][0]


@pytest.mark.parametrize("name", ["wave", "linocut"])
def test_a_shipped_network_in_half_the_bytes_paints_the_same(name, photo):
    model = onnx_model(read_network(network_path(name, width=SLIM_WIDTH)))
    whole, half = len(model.SerializeToString()), web_files.halved(model)
    assert len(half.SerializeToString()) < 0.6 * whole < 500_000
    assert len(model.SerializeToString()) == whole  # left as it was
    assert 255 * np.abs(painted(half, photo) - painted(model, photo)).max() <= 2


def test_weights_that_float16_does_not_hold_are_rounded(photo):
    model = onnx_model(tiny.network().saved())
    difference = np.abs(painted(web_files.halved(model), photo) - painted(model, photo)).max()
    assert 0 < 255 * difference <= 2


def test_the_study_of_the_pages_is_that_of_the_strips(tmp_path):
    write_study(tmp_path / "results", photos=("chelsea", "astronaut"), styles=("wave",))
    study = web_files.read_study(tmp_path / "results", tmp_path)
    assert study["size"] == SIZE
    assert [pair["photo"] for pair in study["pairs"]] == ["chelsea", "astronaut"]
    chelsea = study["pairs"][0]
    assert chelsea["styleTitle"] == "The Great Wave off Kanagawa"
    assert [method["label"] for method in chelsea["methods"]] == list(LABELS)
    assert [method["scores"]["total"] for method in chelsea["methods"]] == [1, 2, 3, 4]
    assert chelsea["methods"][0]["scores"]["strokes"] is None
    json.dumps(study, allow_nan=False)
    for place, slug in enumerate(["photo", *(method["slug"] for method in chelsea["methods"])]):
        picture = nst.load_image(tmp_path / Path(f"{chelsea['pictures']}{slug}.jpg").name)
        assert picture.shape == (chelsea["height"], chelsea["width"], 3)
        assert np.abs(to_uint8(picture) - 255 * grey(place)).max() <= 2


def test_the_quick_study_stands_in_where_it_alone_has_pictures(tmp_path):
    write_study(tmp_path, photos=("coffee",), styles=("udnie",))
    write_study(tmp_path / "quick", photos=("chelsea",), styles=("wave",))

    def photos() -> list[str]:
        return [pair["photo"] for pair in web_files.read_study(tmp_path, tmp_path)["pairs"]]

    assert photos() == ["coffee"]
    for strip in (tmp_path / "images").glob("study_*.jpg"):
        strip.unlink()
    assert photos() == ["chelsea"]
    for strip in (tmp_path / "quick" / "images").glob("study_*.jpg"):
        strip.unlink()
    assert photos() == ["coffee"]  # scores without pictures
    assert web_files.read_study(tmp_path, tmp_path)["pairs"][0]["pictures"] is None


def test_without_a_study_there_are_no_pairs(tmp_path):
    assert web_files.read_study(tmp_path / "results", tmp_path)["pairs"] == []


def test_an_optimisation_takes_what_was_measured():
    table = ROOT / "results/tables/speed.csv"
    about = web_files.optimisation(table)
    assert set(about["secondsPerPixel"]) == set(web_files.SIZES)
    seconds = nst.study.expected_seconds("evaluation", 256 * 256, nst.study.measured_table("speed"))
    assert about["secondsPerPixel"][256] * 256 * 256 == pytest.approx(about["evals"] * seconds)


def test_every_file_that_the_pages_name_is_there():
    texts = [
        path.read_text(encoding="utf-8")
        for path in WEB.iterdir()
        if path.suffix in (".js", ".html")
    ]
    named = set(
        re.findall(r"(?:from \"\./|src=\"web/|href=\"web/|local\(\")([\w.]+)", "\n".join(texts))
    )
    made = {"try.json", "study.json"}
    assert {"try.js", "pixels.js", "worker.js", "web.css"} <= named
    assert {name for name in named - made if not (WEB / name).is_file()} == set()


def test_packages_come_from_nowhere_but_the_public_registry():
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    wanted = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    for name, facts in packages.items():
        assert facts["integrity"].startswith("sha512-"), name
        assert facts.get("resolved", "https://registry.npmjs.org/").startswith(
            "https://registry.npmjs.org/"
        )
