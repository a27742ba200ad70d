"""What a network sees in training: random square crops of photos, batch by batch."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from nstlib.data.folders import PhotoFolder, photo_folder
from nstlib.data.pictures import photo, training_photo_names
from nstlib.files import load_image
from nstlib.images import centre_crop, check_image, resize, to_uint8
from nstlib.johnson.schedule import Schedule

_ORDERS = list(permutations(range(3)))
_GAMMAS = (0.6, 1.0, 1.6)
# Shorter side of a photo that crops are taken of, in sides of the largest crop: enough for crops of the whole photo and
# of a tenth of it.
_SHORT = 3
_ROOM = 2**30  # bytes of shrunken photos: about 400 for crops of 256 px


class Crops(Sequence[np.ndarray]):
    """Batches `(B, side, side, 3)` of random crops, mirrored at random; each a pure function of seed and step.

    A crop is a square of at least `size` pixels, up to the photo's shorter side, shrunk to the side of the step; a
    smaller photo gives its largest square, enlarged.

    Args:
        images: of any sizes; an item is asked for when a crop of it is due.
        schedule: how many batches, how large, and by which seed.
    """

    def __init__(self, images: Sequence[np.ndarray], schedule: Schedule):
        self.images, self.schedule = images, schedule

    def __len__(self) -> int:
        return self.schedule.steps

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < len(self):  # a loop over a sequence ends at this error
            raise IndexError(f"step {index} of {len(self)}")
        rng = np.random.default_rng([self.schedule.seed, index])
        side = self.schedule.size_of(index)
        return np.stack([self._crop(rng, side) for _ in range(self.schedule.batch_size)])

    def _crop(self, rng: np.random.Generator, side: int) -> np.ndarray:
        index = int(rng.integers(len(self.images)))
        image = check_image(self.images[index], f"photos[{index}]")
        height, width, _ = image.shape
        short = min(height, width)
        extent = int(rng.integers(min(self.schedule.size, short), short + 1))
        top = int(rng.integers(height - extent + 1))
        left = int(rng.integers(width - extent + 1))
        crop = image[top : top + extent, left : left + extent]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return centre_crop(np.ascontiguousarray(crop), side, side)


class Variants(Sequence[np.ndarray]):
    """Each of a few photos in 18 tones, made when asked for: six orders of the channels by three gammas.

    A network that saw eight photos as they are would know eight palettes.

    Args:
        photos: float32 `(H, W, 3)` in [0, 1], of any sizes.
    """

    def __init__(self, photos: Sequence[np.ndarray]):
        self.photos = photos

    def __len__(self) -> int:
        return len(self.photos) * len(_ORDERS) * len(_GAMMAS)

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < len(self):
            raise IndexError(f"variant {index} of {len(self)}")
        index, tone = divmod(index, len(_ORDERS) * len(_GAMMAS))
        order, gamma = divmod(tone, len(_GAMMAS))
        return self.photos[index][..., _ORDERS[order]] ** np.float32(_GAMMAS[gamma])


class ShrinkingLoader:
    """Loads photos as `load_image` does, large ones shrunk, and keeps those as long as there is room.

    A photo of a camera takes longer to decode than a step of the training. What is shrunk has 8 bits a channel, whether
    it comes from the file or was kept, so a training that is resumed sees the same pictures. Nothing makes place for
    another: crops are drawn at random, and no photo is more likely than another to be the next.

    Args:
        short: the shorter side in pixels that a larger photo is shrunk to; a smaller one comes as it is.
        room: bytes for what is kept.
    """

    def __init__(self, short: int, room: int = _ROOM):
        self.short, self.room = short, room
        self._kept: dict[Path, np.ndarray] = {}

    def __call__(self, path: Path) -> np.ndarray:
        """The photo of a file, float32 `(H, W, 3)` in [0, 1].

        Raises:
            ImageError: as `load_image` does.
        """
        if path not in self._kept:
            image = load_image(path)
            if min(image.shape[:2]) <= self.short:
                return image
            shrunk = self._shrink(image)
            if shrunk.nbytes > self.room:
                return _from_uint8(shrunk)
            self.room -= shrunk.nbytes
            self._kept[path] = shrunk
        return _from_uint8(self._kept[path])

    def _shrink(self, image: np.ndarray) -> np.ndarray:
        scale = self.short / min(image.shape[:2])
        return to_uint8(resize(image, tuple(round(scale * side) for side in image.shape[:2])))


def _from_uint8(pixels: np.ndarray) -> np.ndarray:
    return pixels / np.float32(255)


def training_photos(
    photos: Sequence[np.ndarray] | str | Path | None, size: int
) -> Sequence[np.ndarray]:
    """The images to train on: those of a folder, a sequence as it is, or for None the built-in photos in 18 tones.

    Args:
        photos: a folder, images, or None.
        size: side of the largest crops in pixels. Photos of a folder whose shorter side has more than three times as
            many are shrunk to that, and kept so.

    Raises:
        DataError: a folder without usable photos.
        ValueError: an empty sequence, or none.
    """
    if photos is None:
        return Variants([photo(name) for name in training_photo_names()])
    if isinstance(photos, str | Path):
        return photo_folder(photos, load=ShrinkingLoader(_SHORT * size))
    if not (hasattr(photos, "__len__") and hasattr(photos, "__getitem__")):
        raise ValueError(
            f"photos: {type(photos).__name__} is neither a folder nor a sequence of images"
        )
    if len(photos) == 0:
        raise ValueError("photos is empty: training needs at least one image")
    return photos


def identity(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What tells one set of photos from another: names and sizes of a folder's files, else every pixel."""
    if isinstance(images, PhotoFolder):
        files = [f"{path.name} {path.stat().st_size}" for path in images.paths]
        return [np.frombuffer("\n".join(files).encode(errors="surrogateescape"), np.uint8)]
    if isinstance(images, Variants):
        return list(images.photos)
    return [check_image(image, f"photos[{index}]") for index, image in enumerate(images)]
