"""Which photos are meant and where the painted ones go: files of no content, since none is opened."""

from pathlib import Path

import click
import pytest

from nstlib.cli.targets import find_clashes, find_photos, find_targets


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")


def names(paths):
    return [path.as_posix() for path in paths]


def found(*arguments, label="wave"):
    return names(find_photos(arguments, label).files)


def targets(*files, output=None):
    pairs = find_targets([Path(each) for each in files], "wave", output)
    return {photo.as_posix(): target.as_posix() for photo, target in pairs.items()}


# --- photos ------------------------------------------------------------------------------------


def test_hidden_files_are_no_photos():
    touch("holiday/a.jpg", "holiday/._a.jpg", "holiday/.b.png")
    assert found("holiday") == found("holiday/*") == found("holiday/*.jpg") == ["holiday/a.jpg"]
    assert found("holiday/.b.png") == ["holiday/.b.png"]  # who names it means it


def test_pictures_that_are_not_read_are_among_the_photos_to_be_reported():
    touch("phone/1.JPG", "phone/2.HEIC", "phone/3.avif", "phone/4.ppm", "phone/5.dng")
    touch("phone/notes.txt", "phone/film.mov", "phone/README")
    assert found("phone") == [
        f"phone/{each}" for each in ("1.JPG", "2.HEIC", "3.avif", "4.ppm", "5.dng")
    ]


@pytest.mark.parametrize("argument", [".", "*", "*.*"])
def test_results_of_earlier_runs_are_left_out(argument):
    touch("a.jpg", "wave.png", "big_linocut.png")
    results = ["a_jpg_wave.png", "a_linocut.png", "a_wave.png", "a_wave_compared.png", "b_wave.png"]
    touch(*results)
    asked = find_photos([argument], "wave")
    assert names(asked.files) == ["a.jpg", "big_linocut.png", "wave.png"]
    assert names(asked.results) == results
    assert asked.empty == {}


def test_a_result_that_is_named_is_painted():
    touch("a.jpg", "a_wave.png")
    assert found("a_wave.png") == ["a_wave.png"]
    assert sorted(found(".", "a_wave.png")) == ["a.jpg", "a_wave.png"]
    assert sorted(found("a_wave.png", ".")) == ["a.jpg", "a_wave.png"]


def test_the_label_of_a_style_of_ones_own_says_something_beside_its_photo_only():
    touch("IMG_1.png", "a.jpg", "a_1.png")
    assert found(".", label="1") == ["IMG_1.png", "a.jpg"]


@pytest.mark.parametrize("label", ["starry_night_wave", "wave", "starry_night"])
def test_results_of_several_styles_are_left_out(label):
    touch("a.jpg", "a_starry_night_wave.png", "a_udnie_starry_night.png")
    assert found(".", label=label) == ["a.jpg"]


def test_a_pattern_in_a_folder_named_with_brackets():
    touch("trip [2024]/a.jpg", "trip [2024]/b/c.jpg", "trip 2/d.jpg")
    assert found("trip [2024]/*.jpg") == ["trip [2024]/a.jpg"]
    assert found(str(Path.cwd() / "trip [2024]/*.jpg"))[0].endswith("/trip [2024]/a.jpg")
    assert found("trip [2024]/**/*.jpg") == ["trip [2024]/a.jpg", "trip [2024]/b/c.jpg"]
    assert found("trip [0-9]/*.jpg") == ["trip 2/d.jpg"]


def test_a_file_named_with_brackets():
    touch("a[1].jpg", "a1.jpg")
    assert found("a[1].jpg") == ["a[1].jpg"]


def test_each_photo_counts_once():
    touch("holiday/a.jpg", "holiday/b.jpg")
    assert found("holiday/b.jpg", "holiday", "holiday/../holiday/*.jpg") == [
        "holiday/b.jpg",
        "holiday/a.jpg",
    ]


def test_what_gives_no_photo_is_kept_with_the_reason():
    Path("nothing").mkdir()
    assert find_photos(["nothing", "none*.png"], "wave").empty == {
        "nothing": "no picture there",
        "none*.png": "no picture there",
    }


# --- targets -----------------------------------------------------------------------------------


def test_photos_that_differ_in_suffix_alone_are_told_apart():
    assert targets("a.jpg", "a.png", "b.png", "c") == {
        "a.jpg": "a_jpg_wave.png",
        "a.png": "a_png_wave.png",
        "b.png": "b_wave.png",
        "c": "c_wave.png",
    }
    assert targets("A.jpg", "a.png") == {"A.jpg": "A_jpg_wave.png", "a.png": "a_png_wave.png"}


@pytest.mark.parametrize("output", ["painted", "painted/", "v1.2/", "deep/er", "out.png/"])
def test_a_folder_is_made(output):
    assert targets("x/a.jpg", output=output) == {"x/a.jpg": f"{output.rstrip('/')}/a_wave.png"}
    assert Path(output).is_dir()


def test_a_folder_that_exists_may_be_called_anything():
    Path("v1.2").mkdir()
    assert targets("a.jpg", output="v1.2") == {"a.jpg": "v1.2/a_wave.png"}


@pytest.mark.parametrize("output", ["out.jp2", "out.HEIC", "out.gif", "out.magic", "v1.2"])
def test_a_suffix_that_is_not_written_is_refused_and_no_folder_made(output, here):
    with pytest.raises(click.UsageError, match=r"is not of a kind that is written: \.jpg, "):
        targets("a.jpg", output=output)
    assert list(here.iterdir()) == []


def test_one_picture_for_one_photo():
    assert targets("a.jpg", output="x/out.PNG") == {"a.jpg": "x/out.PNG"}
    with pytest.raises(click.UsageError, match=r"out\.png is one picture, but there are several"):
        targets("a.jpg", "b.jpg", output="out.png")


def test_a_file_is_no_folder():
    touch("notes")
    with pytest.raises(click.UsageError, match="--output: notes is a file, not a folder"):
        targets("a.jpg", output="notes")


def test_clashes_say_what_collides():
    photos = [Path(each) for each in ("a/x.png", "b/x.png", "y.jpg", "out/y_wave.png")]
    clashes = find_clashes(find_targets(photos, "wave", "out"))
    assert list(clashes) == [photos[1], photos[2]]
    assert "out/x_wave.png is that of a/x.png too" in clashes[photos[1]]
    assert "out/y_wave.png is itself one of the photos" in clashes[photos[2]]


def test_a_photo_may_be_painted_over_itself():
    assert find_clashes(find_targets([Path("a.png")], "wave", "a.png")) == {}
