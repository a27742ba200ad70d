import os
import struct
import threading
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from skimage.color import rgb2yuv

from nstlib import images
from nstlib.images import (
    LOAD_SUFFIXES,
    MAX_PIXELS,
    MIN_SIDE,
    SAVE_FORMATS,
    ImageError,
    check_image,
    fit,
    load_image,
    luminance,
    resize,
    save_image,
    transfer_colour,
    transfer_luminance,
)

LOSSLESS = [".png", ".tif", ".tiff", ".bmp"]
LOSSY = [".jpg", ".jpeg", ".webp"]


@pytest.fixture(autouse=True)
def every_warning_is_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def noise(height: int = 24, width: int = 40, seed: int = 0) -> np.ndarray:
    """Bytes (H, W, 3) that no codec can guess."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int = 24, width: int = 40) -> np.ndarray:
    """A float32 image that changes slowly, and differently in each channel and direction."""
    y, x = np.mgrid[:height, :width]
    channels = (x / width, y / height, 0.5 + 0.4 * np.sin((x + 2 * y) / height))
    return np.stack(channels, axis=-1).astype(np.float32)


def photo() -> np.ndarray:
    return noise().astype(np.float32) / 255


def write(path: Path, pixels, **options) -> Path:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **options)
    return path


def grey_tiff(*, bits: int, photometric: int) -> bytes:
    """A TIFF of 16 x 16 black pixels, written by hand: Pillow writes neither kind itself."""
    data = bytes(16 * 16 * bits // 8)
    tags = [
        (256, 4, 16),
        (257, 4, 16),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, 16),
        (279, 4, len(data)),
    ]
    directory = struct.pack("<H", len(tags))
    for tag, kind, value in tags:
        directory += struct.pack("<HHII", tag, kind, 1, value)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory + bytes(4)


def png(width: int, height: int, *, bits: int, rows: bytes) -> bytes:
    """An RGB PNG written by hand; its data may be less than its header declares."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def bomb(width: int, height: int) -> bytes:
    return png(width, height, bits=8, rows=bytes(100))


def format_of(path: Path) -> str:
    with Image.open(path) as picture:
        return picture.format


class TestCheckImage:
    def test_valid_array_is_returned_without_a_copy(self):
        image = photo()
        assert check_image(image) is image

    @pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble, ">f4"])
    def test_other_floats_are_converted(self, dtype):
        image = check_image(photo().astype(dtype))
        assert image.dtype == np.float32
        assert image.dtype.isnative
        np.testing.assert_allclose(image, photo(), atol=1e-3)

    @pytest.mark.parametrize(
        "view",
        [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[..., ::-1], np.asfortranarray],
    )
    def test_result_is_contiguous_with_the_same_values(self, view):
        image = check_image(view(photo()))
        assert image.flags.c_contiguous
        np.testing.assert_array_equal(image, view(photo()))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_rounding_beyond_the_range_is_clipped(self, dtype):
        image = photo().astype(dtype)
        image[0, 0, 0], image[1, 1, 1] = -9e-7, 1 + 9e-7
        before = image.copy()
        checked = check_image(image)
        assert checked.min() >= 0
        assert checked.max() <= 1
        np.testing.assert_array_equal(image, before)

    @pytest.mark.parametrize(
        ("value", "word"),
        [
            (np.nan, "NaN"),
            (np.inf, "infinite"),
            (-np.inf, "infinite"),
            (-1e-3, r"\[-0.001, "),
            (1.001, r"1\.001"),
            (1 + 2e-6, "values lie in"),
            (255.0, "divided by 255"),
        ],
    )
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_values_outside_the_range_are_refused(self, value, word, dtype):
        image = np.zeros((20, 20, 3), dtype)
        image[3, 4, 1] = value
        with pytest.raises(ImageError, match=rf"(?s)^canvas: .*{word}.*accepted"):
            check_image(image, "canvas")

    def test_message_counts_the_values_that_are_not_finite(self):
        image = photo()
        image[:2, :3] = np.nan
        with pytest.raises(ImageError, match="18 values"):
            check_image(image)

    @pytest.mark.parametrize(
        ("shape", "hint"),
        [
            ((20, 20), "three equal channels"),
            ((1, 20, 20, 3), "one image of a batch"),
            ((20, 20, 4), "alpha"),
            ((3, 20, 20), "channels come last"),
            ((20, 20, 1), "shape is"),
            ((20,), "shape is"),
            ((), "shape is"),
            ((0, 20, 3), "too small"),
            ((20, MIN_SIDE - 1, 3), "too small"),
        ],
    )
    def test_wrong_shapes_are_refused(self, shape, hint):
        with pytest.raises(ImageError, match=rf"^canvas: .*{hint}.*accepted"):
            check_image(np.zeros(shape, np.float32), "canvas")

    def test_too_many_pixels_are_refused_without_touching_them(self):
        # A view of one pixel: reading it would take seconds, copying it 800 MB.
        huge = np.broadcast_to(np.float32(0), (2**13 + 1, 2**13, 3))
        with pytest.raises(ImageError, match="too large"):
            check_image(huge)

    @pytest.mark.parametrize(
        ("dtype", "hint"),
        [
            (np.uint8, "divide by 255"),
            (np.uint16, "divide by 65535"),
            (np.int64, "dtype is int64"),
            (bool, "dtype is bool"),
            (np.complex64, "dtype is complex64"),
            (object, "dtype is object"),
        ],
    )
    def test_wrong_dtypes_are_refused(self, dtype, hint):
        with pytest.raises(ImageError, match=rf"^image: .*{hint}.*accepted: a float32 RGB"):
            check_image(np.zeros((20, 20, 3), dtype))

    @pytest.mark.parametrize("value", [None, 3, [[0.0]], "photo.jpg", Path("photo.jpg")])
    def test_other_objects_are_refused(self, value):
        with pytest.raises(ImageError, match=f"is a {type(value).__name__}"):
            check_image(value)

    def test_a_path_is_sent_to_load_image(self):
        with pytest.raises(ImageError, match="load_image"):
            check_image("photo.jpg")

    def test_arrays_of_other_libraries_are_read(self):
        class Tensor:
            def __array__(self, dtype=None, copy=None):
                return photo()

        np.testing.assert_array_equal(check_image(Tensor()), photo())

    def test_a_tensor_that_numpy_cannot_read_is_refused(self):
        class OnDevice:
            def __array__(self, dtype=None, copy=None):
                raise TypeError("copy it to the host first")

        with pytest.raises(ImageError, match="copy it to the host first") as caught:
            check_image(OnDevice())
        assert isinstance(caught.value.__cause__, TypeError)

    def test_error_is_a_value_error(self):
        assert issubclass(ImageError, ValueError)


class TestLoadModes:
    @pytest.mark.parametrize("suffix", [*LOSSLESS, ".webp"])
    def test_lossless_files_are_read_exactly(self, tmp_path, suffix):
        options = {"lossless": True} if suffix == ".webp" else {}
        image = load_image(write(tmp_path / f"a{suffix}", noise(), **options))
        assert image.dtype == np.float32
        assert image.flags.c_contiguous
        assert check_image(image) is image
        np.testing.assert_array_equal(image, photo())

    @pytest.mark.parametrize("suffix", LOSSY)
    def test_lossy_files_are_read_nearly(self, tmp_path, suffix):
        pixels = np.rint(smooth() * 255).astype(np.uint8)
        image = load_image(write(tmp_path / f"a{suffix}", pixels, quality=95))
        assert np.abs(image - smooth()).mean() < 0.02

    def test_contents_count_and_not_the_name(self, tmp_path):
        path = write(tmp_path / "picture.txt", noise(), format="PNG")
        np.testing.assert_array_equal(load_image(path), photo())

    @pytest.mark.parametrize("kind", [str, Path])
    def test_str_and_path(self, tmp_path, kind):
        path = write(tmp_path / "ä photo.png", noise())
        np.testing.assert_array_equal(load_image(kind(path)), photo())

    @pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif"])
    def test_grey(self, tmp_path, suffix):
        grey = noise()[:, :, 0]
        image = load_image(write(tmp_path / f"a{suffix}", grey))
        np.testing.assert_array_equal(image, np.stack([grey] * 3, -1) / np.float32(255))

    @pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
    def test_one_bit(self, tmp_path, suffix):
        bits = noise()[:, :, 0] > 127
        image = load_image(write(tmp_path / f"a{suffix}", bits))
        np.testing.assert_array_equal(image, np.stack([bits] * 3, -1).astype(np.float32))

    @pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif"])
    def test_palette(self, tmp_path, suffix):
        picture = Image.fromarray(noise()).quantize(7)
        expected = np.asarray(picture.convert("RGB")) / np.float32(255)
        image = load_image(write(tmp_path / f"a{suffix}", picture))
        np.testing.assert_array_equal(image, expected)

    @pytest.mark.parametrize(
        ("transparency", "opacity"), [(0, [0, 1, 1]), (bytes([0, 51, 255]), [0, 0.2, 1])]
    )
    def test_palette_with_transparency_lies_on_white(self, tmp_path, transparency, opacity):
        colours = np.array([[200, 0, 0], [0, 100, 0], [0, 0, 50]], np.uint8)
        index = np.arange(20 * 30).reshape(20, 30) % 3
        picture = Image.fromarray(index.astype(np.uint8), mode="L")
        picture.putpalette(colours.tobytes())
        image = load_image(write(tmp_path / "a.png", picture, transparency=transparency))
        opacity = np.array(opacity)[index][..., None]
        expected = colours[index] / 255 * opacity + (1 - opacity)
        np.testing.assert_allclose(image, expected, atol=1e-6)

    @pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
    def test_rgba_lies_on_white(self, tmp_path, suffix):
        rgba = np.dstack([noise(), noise(seed=1)[:, :, 0]])
        rgba[0, 0, 3], rgba[0, 1, 3] = 0, 255
        options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
        image = load_image(write(tmp_path / f"a{suffix}", rgba, **options))
        colour, alpha = rgba[..., :3] / 255, rgba[..., 3:] / 255
        np.testing.assert_allclose(image, 1 - alpha * (1 - colour), atol=1e-6)
        np.testing.assert_array_equal(image[0, 0], [1, 1, 1])
        np.testing.assert_array_equal(image[0, 1], photo()[0, 1])

    def test_rgb_with_one_transparent_colour_lies_on_white(self, tmp_path):
        pixels = noise()
        pixels[5, 6] = (1, 2, 3)
        image = load_image(write(tmp_path / "a.png", pixels, transparency=(1, 2, 3)))
        np.testing.assert_array_equal(image[5, 6], [1, 1, 1])
        np.testing.assert_array_equal(image[:5], photo()[:5])

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_grey_with_alpha_lies_on_white(self, tmp_path, suffix):
        picture = Image.fromarray(noise()[:, :, :2], mode="LA")
        image = load_image(write(tmp_path / f"a{suffix}", picture))
        grey, alpha = noise()[..., :1] / 255, noise()[..., 1:2] / 255
        np.testing.assert_allclose(image, np.repeat(1 - alpha * (1 - grey), 3, 2), atol=1e-6)

    @pytest.mark.parametrize("suffix", [".jpg", ".tif"])
    @pytest.mark.parametrize(
        ("ink", "colour"),
        [((0, 0, 0, 0), (1, 1, 1)), ((255, 0, 0, 0), (0, 1, 1)), ((0, 0, 0, 255), (0, 0, 0))],
    )
    def test_cmyk(self, tmp_path, suffix, ink, colour):
        picture = Image.new("CMYK", (24, 20), ink)
        image = load_image(write(tmp_path / f"a{suffix}", picture))
        np.testing.assert_allclose(image, np.broadcast_to(colour, (20, 24, 3)), atol=0.02)

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_sixteen_bit_grey_keeps_its_precision(self, tmp_path, suffix):
        grey = np.linspace(0, 65535, 20 * 30).astype(np.uint16).reshape(20, 30)
        image = load_image(write(tmp_path / f"a{suffix}", grey))
        assert image.min() == 0
        assert image.max() == 1
        np.testing.assert_allclose(image, np.stack([grey / 65535] * 3, -1), atol=1e-7)

    def test_sixteen_bit_big_endian_tiff(self, tmp_path):
        grey = np.linspace(0, 65535, 20 * 30).astype(">u2").reshape(20, 30)
        picture = Image.frombytes("I;16B", (30, 20), grey.tobytes())
        image = load_image(write(tmp_path / "a.tif", picture))
        np.testing.assert_allclose(image[..., 0], grey / 65535, atol=1e-7)

    def test_sixteen_bit_colour_png_is_read_at_eight_bits(self, tmp_path):
        samples = np.random.default_rng(0).integers(0, 2**16, (20, 30, 3)).astype(">u2")
        rows = b"".join(b"\0" + row.tobytes() for row in samples)
        path = tmp_path / "a.png"
        path.write_bytes(png(30, 20, bits=16, rows=rows))
        np.testing.assert_allclose(load_image(path), samples / 65535, atol=1 / 255)

    @pytest.mark.parametrize(("bits", "photometric"), [(12, 1), (16, 0)])
    def test_grey_tiffs_that_would_be_misread_are_refused(self, tmp_path, bits, photometric):
        path = tmp_path / "a.tif"
        path.write_bytes(grey_tiff(bits=16, photometric=1))
        assert load_image(path).max() == 0
        path.write_bytes(grey_tiff(bits=bits, photometric=photometric))
        with pytest.raises(ImageError, match="grey TIFF of an unusual kind"):
            load_image(path)

    @pytest.mark.parametrize("dtype", [np.int32, np.float32])
    def test_32_bit_samples_are_refused(self, tmp_path, dtype):
        path = write(tmp_path / "a.tif", np.zeros((20, 20), dtype))
        with pytest.raises(ImageError, match=r"a\.tif: .*32-bit.*accepted: 8 or 16"):
            load_image(path)

    def test_jpeg_with_further_pictures_gives_the_main_one(self, tmp_path):
        path = write(
            tmp_path / "phone.jpg",
            np.full((20, 30, 3), 200, np.uint8),
            format="MPO",
            save_all=True,
            append_images=[Image.new("RGB", (30, 20))],
        )
        assert format_of(path) == "MPO"
        np.testing.assert_allclose(load_image(path), 200 / 255, atol=0.02)

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
    def test_exif_orientation_is_applied_once(self, tmp_path, orientation, suffix):
        upright = np.zeros((24, 40, 3), np.uint8)
        upright[:12, :20], upright[:12, 20:], upright[12:, :20] = 250, 120, 60
        stored = {
            1: lambda a: a,
            2: np.fliplr,
            3: lambda a: np.rot90(a, 2),
            4: np.flipud,
            5: lambda a: a.transpose(1, 0, 2),
            6: lambda a: np.rot90(a, 1),
            7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
            8: lambda a: np.rot90(a, -1),
        }[orientation](upright)
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {".webp": {"lossless": True}, ".jpg": {"subsampling": 0}}.get(suffix, {})
        path = write(tmp_path / f"a{suffix}", np.ascontiguousarray(stored), exif=exif, **options)
        image = load_image(path)
        assert image.shape == (24, 40, 3)
        np.testing.assert_allclose(image[::6, ::8], upright[::6, ::8] / 255, atol=0.05)

    def test_sixteen_bit_grey_is_turned_too(self, tmp_path):
        grey = np.linspace(0, 65535, 20 * 30).astype(np.uint16).reshape(20, 30)
        exif = Image.Exif()
        exif[0x0112] = 6
        image = load_image(write(tmp_path / "a.png", grey, exif=exif))
        np.testing.assert_allclose(image[..., 0], np.rot90(grey, -1) / 65535, atol=1e-7)

    @pytest.mark.parametrize(("size", "shape"), [(30, (18, 30)), (40, (24, 40)), (80, (48, 80))])
    def test_size_is_the_longer_side(self, tmp_path, size, shape):
        path = write(tmp_path / "a.png", noise())
        image = load_image(path, size=size)
        assert image.shape == (*shape, 3)
        np.testing.assert_array_equal(image, resize(photo(), size))


class TestLoadRefuses:
    def refuse(self, path, *words: str, cause: type | None = None) -> ImageError:
        with pytest.raises(ImageError) as caught:
            load_image(path)
        message = str(caught.value)
        for word in (str(path), "accepted:", *words):
            assert word in message
        assert cause is None or isinstance(caught.value.__cause__, cause)
        return caught.value

    def test_missing(self, tmp_path):
        self.refuse(tmp_path / "no.jpg", "no such file", cause=FileNotFoundError)

    def test_path_through_a_file(self, tmp_path):
        path = write(tmp_path / "a.png", noise())
        self.refuse(path / "b.png", cause=NotADirectoryError)

    def test_folder(self, tmp_path):
        self.refuse(tmp_path, "is a folder")

    def test_empty_file(self, tmp_path):
        (tmp_path / "a.jpg").touch()
        self.refuse(tmp_path / "a.jpg", "0 bytes")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_pipe_is_refused_at_once(self, tmp_path):
        os.mkfifo(tmp_path / "a.jpg")
        self.refuse(tmp_path / "a.jpg", "not a regular file")

    def test_unreadable_file(self, tmp_path, monkeypatch):
        path = write(tmp_path / "a.png", noise())

        # Taking the permission away does not stop the superuser.
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        self.refuse(path, "permission", cause=PermissionError)

    @pytest.mark.parametrize("path", ["a\0b.jpg", "x" * 5000 + ".jpg"])
    def test_impossible_names(self, path):
        self.refuse(path)

    @pytest.mark.parametrize("path", [None, 3, b"a.jpg", np.zeros(3), ["a.jpg"]])
    def test_things_that_are_no_path(self, path):
        with pytest.raises(ImageError, match=f"^path: is a {type(path).__name__}; accepted"):
            load_image(path)

    @pytest.mark.parametrize(
        "content",
        [b"\0", b"hello, this is text" * 50, b"\xff\xd8\xff\xe0", b"%PDF-1.4", b"GIF89a", b"BM"],
    )
    def test_no_picture(self, tmp_path, content):
        path = tmp_path / "a.jpg"
        path.write_bytes(content)
        self.refuse(path, "no picture")

    def test_formats_beyond_the_accepted_ones(self, tmp_path):
        self.refuse(write(tmp_path / "a.ppm", noise()), "no picture")

    @pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
    def test_several_frames(self, tmp_path, suffix):
        frames = [Image.fromarray(noise(seed=i)) for i in range(3)]
        path = write(tmp_path / f"a{suffix}", frames[0], save_all=True, append_images=frames[1:])
        self.refuse(path, "animated")

    @pytest.mark.parametrize(
        ("height", "width"), [(1, 1), (MIN_SIDE - 1, 100), (100, MIN_SIDE - 1)]
    )
    def test_too_small(self, tmp_path, height, width):
        path = write(tmp_path / "a.png", noise(height, width))
        self.refuse(path, f"{width} x {height} px is too small")

    def test_smallest_accepted(self, tmp_path):
        path = write(tmp_path / "a.png", noise(MIN_SIDE, MIN_SIDE))
        assert load_image(path).shape == (MIN_SIDE, MIN_SIDE, 3)

    @pytest.mark.parametrize(
        ("width", "height"),
        [(2**13 + 1, 2**13), (10**4, 10**4), (10**5, 10**5), (2**31 - 1, 2**31 - 1)],
    )
    def test_bombs_are_refused_before_decoding(self, tmp_path, width, height):
        path = tmp_path / "bomb.png"
        path.write_bytes(bomb(width, height))
        tracemalloc.start()
        try:
            self.refuse(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2**22

    def test_bomb_never_reaches_the_decoder(self, tmp_path, monkeypatch):
        path = tmp_path / "bomb.png"
        path.write_bytes(bomb(2**13 + 1, 2**13))
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
        self.refuse(path, "too large")

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("a.jpg", {}),
            ("b.jpg", {"progressive": True}),
            ("a.png", {}),
            ("a.webp", {}),
            ("b.webp", {"lossless": True}),
            ("a.tif", {}),
            ("a.bmp", {}),
            ("a.gif", {}),
        ],
    )
    def test_a_truncated_file_is_refused_or_whole(self, tmp_path, name, options):
        whole = write(tmp_path / name, np.rint(smooth(20, 24) * 255).astype(np.uint8), **options)
        content, image = whole.read_bytes(), load_image(whole)
        cut = tmp_path / f"cut{whole.suffix}"
        refused = 0
        step = max(1, len(content) // 150)
        for length in {*range(1, len(content), step), len(content) - 1}:
            cut.write_bytes(content[:length])
            try:
                np.testing.assert_array_equal(load_image(cut), image)
            except ImageError:
                refused += 1
        assert refused >= 100

    def test_damaged_bytes_raise_nothing_else(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "maker"
        path = write(tmp_path / "a.jpg", noise(), exif=exif)
        content, rng = path.read_bytes(), np.random.default_rng(0)
        for _ in range(400):
            damaged = np.frombuffer(content, np.uint8).copy()
            places = rng.integers(0, min(len(damaged), 300), size=3)
            damaged[places] = rng.integers(0, 256, size=3)
            path.write_bytes(damaged.tobytes())
            try:
                image = load_image(path)
            except ImageError:
                continue
            assert check_image(image) is image

    @pytest.mark.parametrize(
        "error",
        [
            OSError("truncated"),
            SyntaxError("broken PNG"),
            struct.error("unpack"),
            zlib.error("bad data"),
            EOFError(),
            ValueError("bad mode"),
            IndexError("out of range"),
            MemoryError(),
            RecursionError(),
        ],
    )
    def test_whatever_a_decoder_raises_is_wrapped(self, tmp_path, monkeypatch, error):
        def fail(self):
            raise error

        path = write(tmp_path / "a.png", noise())
        monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
        refusal = self.refuse(path, "damaged", type(error).__name__)
        assert refusal.__cause__ is error

    @pytest.mark.parametrize("size", [0, -1, MIN_SIDE - 1, 32.0, True, "32", (32, 32), 10**9])
    def test_bad_sizes(self, tmp_path, size):
        path = write(tmp_path / "a.png", noise())
        with pytest.raises(ImageError, match=r"^size: .*accepted: an int from 16"):
            load_image(path, size=size)

    def test_size_that_makes_a_side_too_short_names_file_and_size(self, tmp_path):
        path = write(tmp_path / "a.png", noise(20, 200))
        with pytest.raises(ImageError, match=r"a\.png: size: 100 .*100 x 10 px is too small"):
            load_image(path, size=100)

    def test_global_state_is_left_alone(self, tmp_path):
        path = tmp_path / "bomb.png"
        path.write_bytes(bomb(12000, 10000))
        filters = list(warnings.filters)
        state = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
        good = write(tmp_path / "a.png", noise())
        threads = [
            threading.Thread(target=lambda: [load_image(good) for _ in range(20)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        self.refuse(path)
        for thread in threads:
            thread.join()
        assert state == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
        assert list(warnings.filters) == filters


class TestSave:
    @pytest.mark.parametrize("suffix", LOSSLESS)
    def test_round_trip_is_exact_to_eight_bits(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", photo())
        np.testing.assert_array_equal(load_image(path), photo())

    def test_values_are_rounded_and_not_cut(self, tmp_path):
        image = np.full((20, 20, 3), 0.6 / 255, np.float32)
        assert load_image(save_image(tmp_path / "a.png", image)).max() == np.float32(1 / 255)

    @pytest.mark.parametrize("suffix", LOSSY)
    def test_lossy_round_trip_is_near(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", smooth())
        assert np.abs(load_image(path) - smooth()).mean() < 0.02

    @pytest.mark.parametrize("suffix", [*SAVE_FORMATS, ".JPG", ".Png"])
    def test_suffix_picks_the_format(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", photo())
        assert path == tmp_path / f"a{suffix}"
        assert format_of(path) == SAVE_FORMATS[suffix.lower()]

    def test_str_gives_a_path(self, tmp_path):
        assert save_image(str(tmp_path / "a.png"), photo()) == tmp_path / "a.png"

    @pytest.mark.parametrize("suffix", LOSSY)
    def test_quality_changes_the_size(self, tmp_path, suffix):
        sizes = [
            save_image(tmp_path / f"{quality}{suffix}", photo(), quality=quality).stat().st_size
            for quality in (10, 60, 100)
        ]
        assert sizes == sorted(set(sizes))

    def test_jpeg_keeps_the_colour_resolution(self, tmp_path):
        # Red and blue columns in turn: halving the colour resolution would mix them to purple.
        image = np.zeros((32, 32, 3), np.float32)
        image[:, ::2, 0] = image[:, 1::2, 2] = 1
        image = load_image(save_image(tmp_path / "a.jpg", image))
        assert image[:, ::2, 0].mean() > 0.9
        assert image[:, 1::2, 0].mean() < 0.1

    def test_an_earlier_file_is_replaced(self, tmp_path):
        path = save_image(tmp_path / "a.png", np.zeros((20, 20, 3), np.float32))
        save_image(path, photo())
        np.testing.assert_array_equal(load_image(path), photo())
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
    def test_file_has_the_usual_permissions(self, tmp_path):
        (tmp_path / "usual").touch()
        path = save_image(tmp_path / "a.png", photo())
        assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode

    @pytest.mark.parametrize("moment", ["encode", "replace"])
    @pytest.mark.parametrize("error", [OSError("disk is full"), ValueError("no"), MemoryError()])
    def test_failure_leaves_the_earlier_file_and_nothing_else(
        self, tmp_path, monkeypatch, moment, error
    ):
        path = save_image(tmp_path / "a.png", photo())
        before = path.read_bytes()

        def fail(self, target, **options):
            if moment == "encode":
                target.write(b"half a file")
            raise error

        owner, method = {"encode": (Image.Image, "save"), "replace": (Path, "replace")}[moment]
        monkeypatch.setattr(owner, method, fail)
        with pytest.raises(ImageError, match=r"a\.png: could not be written") as caught:
            save_image(path, smooth())
        assert caught.value.__cause__ is error
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_interruption_removes_the_temporary_file(self, tmp_path, monkeypatch):
        def interrupt(self, target, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr(Image.Image, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save_image(tmp_path / "a.png", photo())
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["a", "a.gif", "a.jp2", "a.txt", ".png", ""])
    def test_unknown_suffixes(self, tmp_path, name):
        with pytest.raises(ImageError, match=r"names no format; accepted: \.jpg, \.jpeg, \.png"):
            save_image(tmp_path / name, photo())

    @pytest.mark.parametrize("quality", [0, 101, -5, 50.0, True, "95", None])
    def test_bad_quality(self, tmp_path, quality):
        with pytest.raises(ImageError, match=r"^quality: .*accepted: an int from 1 to 100"):
            save_image(tmp_path / "a.jpg", photo(), quality=quality)

    def test_bad_places(self, tmp_path):
        folder = tmp_path / "folder.png"
        folder.mkdir()
        (tmp_path / "file").touch()
        for path, word in [
            (tmp_path / "no" / "a.png", "the folder does not exist"),
            (tmp_path / "file" / "a.png", "the folder is a file"),
            (folder, "it is a folder"),
        ]:
            with pytest.raises(ImageError, match=rf"{path.name}: .*{word}.*accepted"):
                save_image(path, photo())
        assert {path.name for path in tmp_path.iterdir()} == {"folder.png", "file"}

    def test_folder_without_permission(self, tmp_path, monkeypatch):
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(ImageError, match="permission is denied"):
            save_image(tmp_path / "a.png", photo())

    def test_a_side_that_the_format_cannot_hold(self, tmp_path):
        wide = np.zeros((16, 20000, 3), np.float32)
        with pytest.raises(ImageError, match="could not be written"):
            save_image(tmp_path / "a.webp", wide)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "image", [noise(), photo()[..., 0], photo() * np.float32(np.nan), photo() * 2, None]
    )
    def test_bad_images_write_nothing(self, tmp_path, image):
        with pytest.raises(ImageError, match=r"^image: "):
            save_image(tmp_path / "a.png", image)
        assert list(tmp_path.iterdir()) == []

    def test_every_saved_format_is_looked_for_in_folders(self):
        assert set(SAVE_FORMATS) < set(LOAD_SUFFIXES)


class TestResize:
    @pytest.mark.parametrize(
        ("shape", "size", "expected"),
        [
            ((24, 40), 20 * 2, (24, 40)),
            ((24, 40), 80, (48, 80)),
            ((40, 24), 80, (80, 48)),
            ((30, 30), 17, (17, 17)),
            ((321, 481), 256, (171, 256)),
            ((481, 321), 256, (256, 171)),
            ((24, 40), (50, 20), (50, 20)),
            ((24, 40), [50, 20], (50, 20)),
            ((24, 40), np.int64(80), (48, 80)),
            ((16, 16), MIN_SIDE, (16, 16)),
        ],
    )
    def test_shapes(self, shape, size, expected):
        assert resize(np.zeros((*shape, 3), np.float32), size).shape == (*expected, 3)

    @settings(deadline=None, max_examples=60)
    @given(
        st.integers(16, 90),
        st.integers(16, 90),
        st.integers(16, 90),
        st.integers(16, 90),
        st.floats(0, 1, width=32),
    )
    def test_constant_images_stay_exactly_constant(self, height, width, rows, columns, value):
        image = np.full((height, width, 3), value, np.float32)
        for result in (resize(image, (rows, columns)), fit(image, rows, columns)):
            assert result.shape == (rows, columns, 3)
            np.testing.assert_array_equal(result, np.float32(value))

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 99), st.integers(16, 100), st.integers(16, 100))
    def test_range_is_kept(self, seed, height, width):
        # Black and white noise is where Lanczos overshoots most.
        image = (noise(seed=seed) > 127).astype(np.float32)
        for result in (resize(image, (height, width)), fit(image, height, width)):
            assert result.dtype == np.float32
            assert result.flags.c_contiguous
            assert result.min() >= 0
            assert result.max() <= 1

    def test_same_size_is_an_equal_copy(self):
        image = photo()
        for result in (resize(image, 40), resize(image, (24, 40)), fit(image, 24, 40)):
            np.testing.assert_array_equal(result, image)
            assert not np.shares_memory(result, image)

    def test_shrinking_averages_detail_away(self):
        # A pattern finer than the result can show: without antialiasing it would survive.
        image = np.zeros((128, 128, 3), np.float32)
        image[:, ::2] = 1
        result = resize(image, 32)[2:-2, 2:-2]
        np.testing.assert_allclose(result, 0.5, atol=0.01)

    def test_mean_is_kept(self):
        for size in (16, 30, 100):
            result = resize(smooth(40, 40), size)
            np.testing.assert_allclose(result.mean((0, 1)), smooth(40, 40).mean((0, 1)), atol=0.005)

    def test_ramp_stays_a_ramp(self):
        # A linear ramp is 0 at the left and 1 at the right edge of the picture at every size.
        def ramp(width):
            row = (np.arange(width) + 0.5) / width
            return np.broadcast_to(row[None, :, None], (16, width, 3)).astype(np.float32)

        for width in (32, 50, 100, 256):
            result = resize(ramp(64), (16, width))
            inner = slice(width // 10, -width // 10)
            np.testing.assert_allclose(result[:, inner], ramp(width)[:, inner], atol=2e-3)

    def test_lanczos_by_its_formula(self):
        """One output pixel against the textbook sum, with the kernel stretched by the ratio."""
        image, ratio = photo(), 40 / 17
        result = resize(image, (24, 17))
        centre = (8 + 0.5) * ratio
        offset = (np.arange(40) + 0.5 - centre) / ratio
        weight = np.where(np.abs(offset) < 3, np.sinc(offset) * np.sinc(offset / 3), 0)
        expected = np.tensordot(weight / weight.sum(), image, axes=(0, 1)).clip(0, 1)
        np.testing.assert_allclose(result[:, 8], expected, atol=1e-6)

    def test_channels_do_not_mix(self):
        image = photo()
        image[..., 1] = 0
        result = resize(image, 100)
        assert result[..., 1].max() == 0
        np.testing.assert_array_equal(result[..., ::-1], resize(image[..., ::-1], 100))

    def test_float64_is_accepted(self):
        np.testing.assert_array_equal(resize(photo().astype(np.float64), 60), resize(photo(), 60))

    @pytest.mark.parametrize(
        "size",
        [
            *(0, -32, 15, 32.0, True, np.True_, None, "32", 10**9, 10**400),
            *((32, 0), (32, -5), (32, 15), (32, 32.5), (True, 32), (32,), (32, 32, 32), ()),
        ],
    )
    def test_bad_sizes(self, size):
        with pytest.raises(ImageError, match=r"(?s)^size: .*accepted"):
            resize(photo(), size)

    @pytest.mark.parametrize("size", [24, 2**20, (2**13 + 1, 2**13)])
    def test_size_that_does_not_suit_the_image(self, size):
        # 24 px leave 14 for the shorter side; the others give too many pixels.
        with pytest.raises(ImageError, match=r"size: .* of a 40 x 24 px image"):
            resize(photo(), size)

    def test_bad_image(self):
        with pytest.raises(ImageError, match=r"^image: "):
            resize(noise(), 32)


class TestFit:
    @pytest.mark.parametrize(("height", "width"), [(20, 20), (60, 30), (16, 90), (37, 41)])
    @pytest.mark.parametrize("shape", [(24, 40), (40, 24), (33, 33)])
    def test_is_the_centre_of_a_covering_resize(self, shape, height, width):
        image = noise(*shape).astype(np.float32) / 255
        scale = max(height / shape[0], width / shape[1])
        cover = (max(height, round(shape[0] * scale)), max(width, round(shape[1] * scale)))
        top, left = (cover[0] - height) // 2, (cover[1] - width) // 2
        expected = resize(image, cover)[top : top + height, left : left + width]
        np.testing.assert_allclose(fit(image, height, width), expected, atol=2e-5)

    @pytest.mark.parametrize(("height", "width"), [(24, 20), (24, 17), (16, 40), (23, 40)])
    def test_same_scale_is_a_crop(self, height, width):
        top, left = (24 - height) // 2, (40 - width) // 2
        expected = photo()[top : top + height, left : left + width]
        np.testing.assert_allclose(fit(photo(), height, width), expected, atol=1e-6)

    def test_long_strip_needs_no_large_intermediate(self):
        strip = np.broadcast_to(np.float32(0.25), (16, 50_000, 3))
        result = fit(strip, 500, 500)
        np.testing.assert_array_equal(result, np.full((500, 500, 3), 0.25, np.float32))

    @settings(deadline=None, max_examples=60)
    @given(*[st.integers(16, 3000)] * 4)
    def test_any_sizes(self, rows, columns, height, width):
        image = np.broadcast_to(np.float32(1), (rows, columns, 3))
        # Keeps the examples cheap; the frame is what can go wrong, not the number of pixels.
        if rows * columns + height * width < 500_000:
            assert fit(image, height, width).shape == (height, width, 3)

    @pytest.mark.parametrize("side", [0, -1, 15, 20.0, True, None, "20", 10**9])
    def test_bad_sides_are_named(self, side):
        with pytest.raises(ImageError, match=r"^height: .*accepted"):
            fit(photo(), side, 20)
        with pytest.raises(ImageError, match=r"^width: .*accepted"):
            fit(photo(), 20, side)

    def test_too_many_pixels(self):
        with pytest.raises(ImageError, match=r"^height, width: .*too large"):
            fit(photo(), 2**13, 2**13 + 1)

    def test_bad_image(self):
        with pytest.raises(ImageError, match=r"^image: "):
            fit(photo()[..., 0], 20, 20)


class TestLuminance:
    def test_rec_709_primaries(self):
        for channel, weight in enumerate((0.2126, 0.7152, 0.0722)):
            image = np.zeros((16, 20, 3), np.float32)
            image[..., channel] = 1
            np.testing.assert_allclose(luminance(image), weight, rtol=1e-6)

    def test_grey_is_its_own_luminance(self):
        grey = photo()[..., :1]
        result = luminance(np.repeat(grey, 3, axis=2))
        assert result.dtype == np.float32
        assert result.shape == (24, 40)
        np.testing.assert_allclose(result, grey[..., 0], rtol=1e-6)

    def test_stays_in_range(self):
        assert luminance(np.ones((16, 16, 3), np.float32)).max() == 1
        assert luminance(np.zeros((16, 16, 3), np.float32)).max() == 0

    def test_bad_image(self):
        with pytest.raises(ImageError, match=r"^image: "):
            luminance(noise())


def test_limits_hold_together():
    assert MIN_SIDE == 16
    # Pillow warns above its own limit; ours must come first for its message to be the one seen.
    assert MAX_PIXELS == 64 * 2**20 < Image.MAX_IMAGE_PIXELS
    assert images.MAX_PIXELS // images.MIN_SIDE >= 2**16


def floats(seed: int = 0) -> np.ndarray:
    return noise(seed=seed).astype(np.float32) / 255


class TestTransferColour:
    def test_the_palette_becomes_that_of_the_reference(self):
        image, reference = floats() * 0.3, floats(seed=1) ** 2
        result = transfer_colour(image, reference)
        assert result.dtype == np.float32
        levels = np.linspace(0.05, 0.95, 19)
        for channel in range(3):
            np.testing.assert_allclose(
                np.quantile(result[..., channel], levels),
                np.quantile(reference[..., channel], levels),
                atol=0.02,
            )

    def test_each_channel_keeps_its_order(self):
        image = floats()
        result = transfer_colour(image, floats(seed=1) ** 2)
        for channel in range(3):
            order = np.argsort(image[..., channel], axis=None)
            assert (np.diff(result[..., channel].ravel()[order]) >= 0).all()

    def test_an_image_is_its_own_reference(self):
        np.testing.assert_allclose(transfer_colour(floats(), floats()), floats(), atol=1e-6)

    def test_the_reference_is_named(self):
        with pytest.raises(ImageError, match="reference"):
            transfer_colour(floats(), floats() * 255)


class TestTransferLuminance:
    def test_lightness_from_the_one_and_colour_from_the_other(self):
        image, reference = 0.4 + 0.2 * floats(), 0.4 + 0.2 * floats(seed=1)
        result = transfer_luminance(image, reference)
        np.testing.assert_allclose(luminance(result), luminance(reference), atol=1e-6)
        chroma, expected = (rgb2yuv(x)[..., 1:] for x in (result, image))
        # scikit-image's U and V are those of Rec. 601, and no less free of grey.
        np.testing.assert_allclose(chroma, expected, atol=1e-6)
        assert result.dtype == np.float32

    def test_an_image_keeps_its_own(self):
        np.testing.assert_allclose(transfer_luminance(floats(), floats()), floats(), atol=1e-6)

    def test_stays_in_range(self):
        result = transfer_luminance(floats(), np.ones_like(floats()))
        assert result.max() <= 1
        assert result.min() >= 0

    def test_images_that_do_not_fit(self):
        with pytest.raises(ImageError, match=r"reference: its shape \(16, 16, 3\)"):
            transfer_luminance(floats(), np.zeros((16, 16, 3), np.float32))
