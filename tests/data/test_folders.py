import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from samples import png_bytes

from nstlib.data.folders import PhotoFolder, photo_folder
from nstlib.errors import DataError, ImageError
from nstlib.files import load_image


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three good photos and things that do not count."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    (folder / "folder.png").mkdir()
    for seed, name in enumerate(["b.png", "a.PNG", "C.Tiff"]):
        pixels = np.full((20 + seed, 30, 3), 10 * seed, np.uint8)
        kind = "TIFF" if "Tiff" in name else "PNG"
        Image.fromarray(pixels).save(folder / name, format=kind)
    (folder / "inner" / "d.png").write_bytes(png_bytes())
    (folder / "notes.txt").write_text("not a photo")
    (folder / "png").write_bytes(png_bytes())
    return folder


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("kind", [str, Path])
def test_finds_the_photos_by_name(folder, kind):
    photos = photo_folder(kind(folder))
    assert isinstance(photos, PhotoFolder)
    assert photos.paths == tuple(folder / name for name in ("C.Tiff", "a.PNG", "b.png"))
    assert photos.skipped == {}
    assert len(photos) == 3


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".jpg", "JPEG"),
        (".JPEG", "JPEG"),
        (".Png", "PNG"),
        (".webp", "WEBP"),
        (".TIF", "TIFF"),
        (".tiff", "TIFF"),
        (".bmp", "BMP"),
        (".gif", "GIF"),
    ],
)
def test_suffixes_in_any_case(tmp_path, suffix, kind):
    Image.new("RGB", (20, 20), "red").save(tmp_path / f"a{suffix}", format=kind)
    assert len(photo_folder(tmp_path)) == 1


def test_hidden_files_are_no_photos(folder):
    (folder / "._a.PNG").write_bytes(b"what macOS leaves on foreign disks")
    (folder / ".d.png").write_bytes(png_bytes())
    assert len(photo_folder(folder)) == 3


def test_is_a_sequence(folder):
    photos = photo_folder(folder)
    assert [image.shape for image in photos] == [(22, 30, 3), (21, 30, 3), (20, 30, 3)]
    np.testing.assert_array_equal(photos[0], load_image(folder / "C.Tiff"))
    np.testing.assert_array_equal(photos[-1], photos[np.int64(2)])
    assert [image.shape[0] for image in reversed(photos)] == [20, 21, 22]
    with pytest.raises(IndexError):
        photos[3]


def test_a_slice_is_a_folder_too(folder):
    photos = photo_folder(folder)
    part = photos[1:]
    assert isinstance(part, PhotoFolder)
    assert part.paths == photos.paths[1:]
    np.testing.assert_array_equal(part[0], photos[1])
    assert len(photos[:0]) == 0


def test_is_lazy(folder):
    photos = photo_folder(folder)
    (folder / "a.PNG").unlink()
    assert photos[0].shape == (22, 30, 3)
    with pytest.raises(ImageError, match=r"a\.PNG: no such file"):
        photos[1]


def test_cannot_be_changed(folder):
    with pytest.raises(dataclasses.FrozenInstanceError):
        photo_folder(folder).paths = ()


def test_bad_files_are_skipped_with_one_warning(folder):
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("this is not a picture")
    (folder / "small.png").write_bytes(png_bytes(height=8, width=8))
    (folder / "cut.png").write_bytes(png_bytes()[:300])
    (folder / "lost.png").symlink_to(folder / "nowhere.png")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        photos = photo_folder(folder)
    assert len(caught) == 1
    assert caught[0].category is UserWarning
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert "5 files skipped" in message
    assert "more" not in message
    assert len(photos) == 3
    reasons = {path.name: reason for path, reason in photos.skipped.items()}
    for name, word in {
        "empty.jpg": "0 bytes",
        "text.jpg": "no picture",
        "small.png": "8 x 8 px is too small",
        "cut.png": "truncated",
        "lost.png": "no such file",
    }.items():
        assert word in reasons[name]
        assert str(folder) not in reasons[name]
        assert f"{name} ({reasons[name]})" in message


def test_warning_lists_five_names(folder):
    for i in range(8):
        (folder / f"bad{i}.jpg").touch()
    with pytest.warns(UserWarning, match="8 files skipped.*and 3 more") as caught:
        photos = photo_folder(folder)
    message = str(caught[0].message)
    assert [f"bad{i}.jpg" in message for i in range(8)] == [True] * 5 + [False] * 3
    assert len(photos.skipped) == 8


def test_one_bad_file(folder):
    (folder / "bad.jpg").touch()
    with pytest.warns(UserWarning, match="1 file skipped: bad.jpg"):
        photo_folder(folder)


def test_only_bad_files(tmp_path):
    (tmp_path / "bad.jpg").touch()
    with pytest.raises(DataError, match=r"no photo can be loaded.*bad\.jpg \(is empty"):
        photo_folder(tmp_path)


def test_no_photos(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"holds no photos; accepted: .*\.jpg.*\.gif"):
        photo_folder(tmp_path)


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"missing: .*no such folder.*accepted"):
        photo_folder(tmp_path / "missing")


def test_file_instead_of_a_folder(tmp_path):
    (tmp_path / "a.png").write_bytes(png_bytes())
    with pytest.raises(DataError, match=r"a\.png: .*it is not a folder"):
        photo_folder(tmp_path / "a.png")


def test_folder_without_permission(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match="permission is denied"):
        photo_folder(tmp_path)


@pytest.mark.parametrize("path", [None, 3, b"photos", "a\0b"])
def test_things_that_are_no_path(path):
    with pytest.raises(DataError, match="cannot be read"):
        photo_folder(path)
