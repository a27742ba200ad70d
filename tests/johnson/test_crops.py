import json
from dataclasses import asdict

import numpy as np
import pytest
from runs import pictures

from nstlib.data.folders import PhotoFolder, photo_folder
from nstlib.data.pictures import training_photo_names
from nstlib.errors import DataError, ImageError
from nstlib.files import load_image, save_image
from nstlib.images import resize
from nstlib.johnson import crops
from nstlib.johnson.crops import Crops, ShrinkingLoader, Variants, identity, training_photos
from nstlib.johnson.schedule import Schedule

# --- Schedule -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["steps", "size", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 32.0, "32", True, None], ids=repr)
def test_counts_that_are_none(name, value):
    with pytest.raises(ValueError, match=f"{name}: {value!r} is not a whole number"):
        Schedule(**{name: value})


def test_crops_have_at_least_16_pixels():
    assert Schedule(size=16).size == 16
    with pytest.raises(ValueError, match="size: 15 is not a whole number of at least 16"):
        Schedule(size=15)


@pytest.mark.parametrize("value", [0, 1, -0.1, float("nan"), True, "0.001", None, 1j], ids=repr)
def test_learning_rates_that_are_none(value):
    with pytest.raises(ValueError, match="learning_rate"):
        Schedule(learning_rate=value)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "0.5", None, 1j], ids=repr)
def test_shares_that_are_none(value):
    with pytest.raises(ValueError, match="small_share"):
        Schedule(small_share=value)


@pytest.mark.parametrize("value", [-1, 2**32, 1.5, "0", True, None], ids=repr)
def test_seeds_that_are_none(value):
    with pytest.raises(ValueError, match="seed"):
        Schedule(seed=value)


def test_numbers_of_numpy_become_such_as_a_card_can_hold():
    counts = {"steps": np.int64(5), "size": np.int32(20), "batch_size": np.uint8(2)}
    rates = {"learning_rate": np.float64(0.5), "small_share": np.float32(0.25)}
    found = asdict(Schedule(**counts, **rates, seed=np.uint32(7)))
    plain = {"steps": 5, "size": 20, "batch_size": 2, "learning_rate": 0.5, "small_share": 0.25}
    assert json.loads(json.dumps(found)) == found == plain | {"seed": 7}


@pytest.mark.parametrize(
    ("schedule", "sides"),
    [
        (Schedule(steps=6, size=32), [16, 16, 16, 32, 32, 32]),
        (Schedule(steps=3, size=33), [16, 16, 33]),
        (Schedule(steps=4, size=64, small_share=0.25), [32, 64, 64, 64]),
        (Schedule(steps=2, size=64, small_share=0), [64, 64]),
        (Schedule(steps=2, size=64, small_share=1), [32, 32]),
        (Schedule(steps=2, size=31), [31, 31]),
    ],
    ids=str,
)
def test_the_first_crops_are_of_half_the_size_unless_that_is_too_small(schedule, sides):
    assert [schedule.size_of(step) for step in range(schedule.steps)] == sides
    assert [batch.shape for batch in Crops(pictures(1), schedule)] == [(1, s, s, 3) for s in sides]


# --- Crops ----------------------------------------------------------------------------------


def ramps(height=64, width=96):
    """An image that says of every pixel in which row and column it is."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([rows / height, columns / width, np.zeros_like(rows)], axis=-1)


def test_crops_come_from_everywhere_in_the_photo_at_any_size():
    schedule = Schedule(steps=50, size=16, batch_size=4)
    crops = np.concatenate(list(Crops([ramps()], schedule)))
    assert crops.shape == (200, 16, 16, 3)
    assert crops.dtype == np.float32
    height = np.ptp(crops[..., 0], axis=(1, 2)) * 64
    assert height.min() < 25
    assert height.max() > 55
    assert crops[..., 0].min() < 0.05
    assert crops[..., 1].max() > 0.95
    mirrored = crops[:, 0, 0, 1] > crops[:, 0, -1, 1]
    assert 70 < mirrored.sum() < 130


def test_a_crop_of_half_the_size_shows_as_much_of_the_photo():
    small, whole = (
        np.concatenate(list(Crops([ramps()], Schedule(steps=9, size=48, small_share=share))))
        for share in (1, 0)
    )
    assert small.shape == (9, 24, 24, 3)
    np.testing.assert_allclose(small.mean((1, 2)), whole.mean((1, 2)), atol=0.01)
    assert (np.ptp(small[..., 0], axis=(1, 2)) * 64 > 44).all()


def test_a_batch_is_a_function_of_seed_and_step():
    first = Crops(pictures(3), Schedule(steps=50, size=16))
    again = Crops(pictures(3), Schedule(steps=50, size=16))
    np.testing.assert_array_equal(first[20], again[20])
    other = Crops(pictures(3), Schedule(steps=50, size=16, seed=1))
    assert not np.array_equal(first[20], other[20])
    assert not np.array_equal(first[20], first[21])


def test_there_are_as_many_batches_as_steps():
    batches = Crops(pictures(1), Schedule(steps=3, size=16))
    assert len(batches) == len(list(batches)) == 3
    for index in (3, -1):
        with pytest.raises(IndexError, match=f"step {index} of 3"):
            batches[index]


def test_photos_smaller_than_the_crops_are_enlarged():
    (crops,) = Crops(pictures(1, 16, 24), Schedule(steps=1, size=32, batch_size=2, small_share=0))
    assert crops.shape == (2, 32, 32, 3)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros((8, 48, 3), np.float32),
        "photo.jpg",
    ],
    ids=["grey", "uint8", "small", "str"],
)
def test_photos_that_are_none_are_named_by_their_place(photo):
    photos = [pictures(1)[0], photo]
    with pytest.raises(ImageError, match=r"photos\[1\]"):
        list(Crops(photos, Schedule(steps=20, size=16)))
    with pytest.raises(ImageError, match=r"photos\[1\]"):
        identity(photos)


# --- where the photos come from -------------------------------------------------------------


def test_variants_of_a_photo_are_its_channels_in_every_order_lighter_and_darker():
    photos = pictures(2)
    variants = Variants(photos)
    assert len(variants) == 36
    images = list(variants)
    assert len({image.tobytes() for image in images}) == 36
    for index, photo in enumerate(photos):
        own = images[18 * index : 18 * (index + 1)]
        assert any(np.array_equal(image, photo) for image in own)
        assert any(np.array_equal(image, photo[..., ::-1]) for image in own)
        means = [image.mean() for image in own]
        assert min(means) < photo.mean() < max(means)
    assert all(image.dtype == np.float32 and image.max() <= 1 for image in images)


def test_without_photos_those_of_the_catalogue_that_may_be_trained_on_serve_in_18_tones(
    monkeypatch,
):
    asked = []
    monkeypatch.setattr(crops, "photo", lambda name: asked.append(name) or pictures(1)[0])
    assert len(training_photos(None, 32)) == 18 * len(training_photo_names())
    assert asked == training_photo_names()


@pytest.fixture
def folder(tmp_path):
    """Three photos as files."""
    for number, image in enumerate(pictures(3)):
        save_image(tmp_path / f"{number}.png", image)
    return tmp_path


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_a_folder_gives_its_photos_and_a_sequence_itself(folder, kind):
    found = training_photos(kind(folder), 32)
    assert isinstance(found, PhotoFolder)
    np.testing.assert_array_equal(np.stack(list(found)), np.stack(pictures(3)))
    images = pictures(2)
    assert training_photos(images, 32) is images


def test_photos_that_come_one_by_one_are_refused():
    with pytest.raises(ValueError, match="photos: generator is neither a folder nor a sequence"):
        training_photos((each for each in pictures(2)), 32)


def test_no_photos(tmp_path):
    with pytest.raises(ValueError, match="photos is empty"):
        training_photos([], 32)
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError):
            training_photos(path, 32)


# --- large photos ---------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A folder of two photos, one of 120 x 96 px and one of 40 x 48, and the names of the files that are decoded."""
    save_image(tmp_path / "large.png", pictures(1, 96, 120)[0])
    save_image(tmp_path / "small.png", pictures(1)[0])
    decoded = []
    load = crops.load_image
    monkeypatch.setattr(crops, "load_image", lambda path: decoded.append(path.name) or load(path))
    return tmp_path, decoded


def test_a_large_photo_is_decoded_once_and_kept_shrunk(large):
    folder, decoded = large
    photos = training_photos(folder, 16)
    shapes = [(48, 60, 3), (48, 40, 3)]
    assert [image.shape for image in photos] == shapes
    assert [image.shape for image in photos[:1]] == shapes[:1]
    assert decoded.count("large.png") == 1
    assert decoded.count("small.png") == 2
    shrunk = resize(load_image(folder / "large.png"), 60)
    assert np.abs(photos[0] - shrunk).max() <= 0.501 / 255
    assert photos[0].dtype == np.float32


def test_photos_that_need_no_shrinking_give_the_crops_that_they_gave(large):
    folder, _ = large
    schedule = Schedule(steps=20, size=32)  # three times 32 is the shorter side of the larger one
    found = Crops(training_photos(folder, schedule.size), schedule)
    for crop, expected in zip(found, Crops(photo_folder(folder), schedule), strict=True):
        np.testing.assert_array_equal(crop, expected)


def test_what_is_kept_has_a_limit_and_does_not_change_the_pictures(large):
    folder, decoded = large
    path = folder / "large.png"
    kept, not_kept = ShrinkingLoader(24), ShrinkingLoader(24, room=24 * 30 * 3 - 1)
    for _ in range(3):
        np.testing.assert_array_equal(kept(path), not_kept(path))
    assert decoded.count("large.png") == 1 + 3


def test_a_crop_of_a_shrunken_photo_shows_what_that_of_the_whole_shows(tmp_path):
    save_image(tmp_path / "ramps.png", ramps(480, 720))
    schedule = Schedule(steps=100, size=16, small_share=0)
    shrunk, whole = (
        np.concatenate(list(Crops(photos, schedule)))
        for photos in (training_photos(tmp_path, schedule.size), photo_folder(tmp_path))
    )
    # Those of the whole may show less, down to 16 of 480 pixels; of the shrunken one a third at the least.
    extent = np.ptp(shrunk[..., 0], axis=(1, 2))
    assert 0.25 < extent.min() < 0.4
    assert extent.max() > 0.85
    for channel in (0, 1):
        assert abs(shrunk[..., channel].mean() - whole[..., channel].mean()) < 0.06


# --- identity -------------------------------------------------------------------------------


def same(one, other):
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_a_folder_with_one_other_photo_is_told_from_the_first(folder):
    before = identity(photo_folder(folder))
    assert same(before, identity(photo_folder(folder)))
    save_image(folder / "2.png", pictures(1, 16, 24)[0])
    changed = identity(photo_folder(folder))
    assert not same(before, changed)
    (folder / "2.png").rename(folder / "3.png")
    assert not same(changed, identity(photo_folder(folder)))


def test_images_are_told_apart_by_any_pixel():
    photos = pictures(2)
    assert same(identity(photos), identity(pictures(2)))
    photos[1][5, 6, 1] += np.float32(1 / 255)
    assert not same(identity(photos), identity(pictures(2)))
    assert same(identity(Variants(photos)), photos)
