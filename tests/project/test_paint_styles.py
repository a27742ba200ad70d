"""The painted style images: their painters, and the files that are committed."""

import itertools
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripts import load

DATA = Path(__file__).parents[2] / "data"
SMALL = (96, 128)

paint_styles = load(DATA / "paint_styles")
command_line = import_module("paint_styles.__main__")

NAMES = list(paint_styles.STYLES)


@cache
def committed(name):
    with Image.open(DATA / "styles" / f"{name}.jpg") as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255


@cache
def colour_histogram(name):
    """Share of the pixels in each of 4 x 4 x 4 boxes of RGB."""
    boxes = np.minimum(committed(name) * 4, 3).astype(int) @ (16, 4, 1)
    return np.bincount(boxes.ravel(), minlength=64) / boxes.size


@cache
def small(name):
    """A small painting by the style's own seed."""
    return paint_styles.paint(name, height=SMALL[0], width=SMALL[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_small_painting_is_a_deterministic_image(name):
    painter, seed, title = paint_styles.STYLES[name]
    first = small(name)
    assert first.shape == (*SMALL, 3)
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1
    assert first.std() > 0.1
    assert title
    np.testing.assert_array_equal(first, painter(np.random.default_rng(seed), *SMALL))


@pytest.mark.slow
def test_another_seed_gives_another_painting():
    painter, seed, _ = paint_styles.STYLES["linocut"]
    other = painter(np.random.default_rng(seed + 1), *SMALL)
    assert np.abs(small("linocut") - other).mean() > 0.05


def test_square_and_upright_canvases_are_filled():
    for height, width in ((96, 96), (128, 96)):
        image = paint_styles.paint("woodblock_wave", height=height, width=width)
        assert image.shape == (height, width, 3)
        assert image[-24:].std() > 0.1


def test_styles_have_palettes_of_their_own():
    for first, second in itertools.combinations(NAMES, 2):
        mean_gap = committed(first).mean(axis=(0, 1)) - committed(second).mean(axis=(0, 1))
        overlap = np.minimum(colour_histogram(first), colour_histogram(second)).sum()
        assert np.linalg.norm(mean_gap) > 0.05, (first, second)
        assert overlap < 0.7, (first, second)


def test_committed_files_are_the_styles():
    assert sorted(path.stem for path in (DATA / "styles").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_committed_file_is_large_and_carries_marks_everywhere(name):
    image = committed(name)
    assert min(image.shape[:2]) >= 768
    assert (DATA / "styles" / f"{name}.jpg").stat().st_size < 900_000
    grey = image.mean(axis=2)
    tiles = grey[:768, :1024].reshape(12, 64, 16, 64).std(axis=(1, 3))
    assert np.quantile(tiles, 0.02) > 0.05


@pytest.mark.slow
def test_repainting_gives_the_committed_file():
    assert np.abs(paint_styles.paint("woodblock_wave") - committed("woodblock_wave")).mean() < 0.03


def test_command_line_paints_the_named_styles_only(tmp_path, monkeypatch):
    monkeypatch.setattr(
        command_line, "paint", lambda name: np.full((16, 16, 3), 0.5, dtype=np.float32)
    )
    command_line.main(["linocut", "brush_flow", "--out", str(tmp_path / "new")])
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["brush_flow.jpg", "linocut.jpg"]


def test_command_line_refuses_an_unknown_style(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command_line.main(["watercolour", "--out", str(tmp_path)])
    assert "watercolour" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
