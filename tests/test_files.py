import os
import struct
import threading
import tracemalloc
import warnings
import zlib
from pathlib import Path

import icc
import numpy as np
import pytest
from PIL import Image, ImageFile
from samples import floats, noise, smooth

from nstlib.colour_profiles import srgb_profile
from nstlib.errors import ImageError
from nstlib.files import (
    LOAD_SUFFIXES,
    SAVE_FORMATS,
    load_alpha,
    load_cut_out,
    load_image,
    load_mask,
    save_image,
)
from nstlib.images import MIN_SIDE, check_image, resize, to_uint8

LOSSLESS = [".png", ".tif", ".tiff", ".bmp", ".ppm", ".webp"]
LOSSY = [".jpg", ".jpeg", ".avif"]
TRANSPARENT = [".png", ".webp", ".tif", ".tiff", ".avif"]
WITH_PROFILE = [*TRANSPARENT, ".jpg", ".jpeg"]
P3 = icc.rgb_profile(icc.DISPLAY_P3)


@pytest.fixture(autouse=True)
def every_warning_is_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


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


class TestLoadModes:
    @pytest.mark.parametrize("suffix", LOSSLESS)
    def test_lossless_files_are_read_exactly(self, tmp_path, suffix):
        options = {"lossless": True} if suffix == ".webp" else {}
        image = load_image(write(tmp_path / f"a{suffix}", noise(), **options))
        assert image.dtype == np.float32
        assert image.flags.c_contiguous
        assert check_image(image) is image
        np.testing.assert_array_equal(image, floats())

    @pytest.mark.parametrize("suffix", [*LOSSY, ".webp"])
    def test_lossy_files_are_read_nearly(self, tmp_path, suffix):
        image = load_image(write(tmp_path / f"a{suffix}", to_uint8(smooth()), quality=95))
        assert np.abs(image - smooth()).mean() < 0.02

    def test_contents_count_and_not_the_name(self, tmp_path):
        path = write(tmp_path / "picture.txt", noise(), format="PNG")
        np.testing.assert_array_equal(load_image(path), floats())

    @pytest.mark.parametrize("kind", [str, Path])
    def test_str_and_path(self, tmp_path, kind):
        path = write(tmp_path / "ä photo.png", noise())
        np.testing.assert_array_equal(load_image(kind(path)), floats())

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
        np.testing.assert_array_equal(image[0, 1], floats()[0, 1])

    def test_a_gif_keeps_its_transparency(self, tmp_path):
        picture = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8), "P").resize((40, 40), 0)
        picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
        picture.save(tmp_path / "a.gif", transparency=0)
        corners = np.ix_([5, 35], [5, 35])
        assert load_alpha(tmp_path / "a.gif")[corners].tolist() == [[0, 1], [1, 0]]
        seen = load_image(tmp_path / "a.gif")[corners].tolist()
        assert seen == [[[1, 1, 1], [0, 1, 0]], [[0, 0, 1], [1, 1, 1]]]

    def test_rgb_with_one_transparent_colour_lies_on_white(self, tmp_path):
        pixels = noise()
        pixels[5, 6] = (1, 2, 3)
        image = load_image(write(tmp_path / "a.png", pixels, transparency=(1, 2, 3)))
        np.testing.assert_array_equal(image[5, 6], [1, 1, 1])
        np.testing.assert_array_equal(image[:5], floats()[:5])

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
    @pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg", ".avif"])
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
        options = {
            ".webp": {"lossless": True},
            ".jpg": {"subsampling": 0},
            ".avif": {"subsampling": "4:4:4", "quality": 95},
        }.get(suffix, {})
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
        np.testing.assert_array_equal(image, resize(floats(), size))


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
        self.refuse(write(tmp_path / "a.ico", noise()), "no picture")

    @pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif", ".avif"])
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
            ("a.avif", {}),
            ("a.ppm", {}),
        ],
    )
    def test_a_truncated_file_is_refused_or_whole(self, tmp_path, name, options):
        path = write(tmp_path / name, to_uint8(smooth(20, 24)), **options)
        size, image = path.stat().st_size, load_image(path)
        refused = 0
        step = max(1, size // 150)
        for length in [size - 1, *range(size - 2, 0, -step)]:
            os.truncate(path, length)  # far quicker than writing it again
            try:
                np.testing.assert_array_equal(load_image(path), image)
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
            with path.open("r+b") as file:  # far quicker than writing it anew
                file.write(damaged.tobytes())
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


class TestColours:
    @pytest.mark.parametrize("suffix", WITH_PROFILE)
    def test_an_embedded_profile_is_applied(self, tmp_path, suffix):
        # sRGB's red, as Display P3 has it.
        patch = np.full((32, 32, 3), (234, 51, 35), np.uint8)
        options = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}
        options |= {".jpeg": options[".jpg"], ".avif": {"quality": 100, "subsampling": "4:4:4"}}
        path = write(tmp_path / f"a{suffix}", patch, icc_profile=P3, **options.get(suffix, {}))
        np.testing.assert_allclose(load_image(path)[16, 16], [1, 0, 0], atol=6 / 255)

    def test_one_photo_in_three_spaces_is_one_picture(self, tmp_path):
        plain = load_image(write(tmp_path / "a.png", to_uint8(0.05 + 0.75 * smooth())))
        lost = {}
        spaces = {"p3": icc.DISPLAY_P3, "adobe": icc.ADOBE_RGB, "prophoto": icc.PROPHOTO}
        for name, space in spaces.items():
            values = to_uint8(icc.converted(plain.astype(float), icc.SRGB, space))
            path = write(tmp_path / "b.png", values, icc_profile=icc.rgb_profile(space))
            # Its own steps set the file apart from the plain one, however it is converted; ours adds no more than
            # the rounding to a level.
            exact = icc.converted(values / 255, space, icc.SRGB)
            lost[name] = np.abs(exact - plain)
            np.testing.assert_allclose(load_image(path), exact, atol=1 / 255)
        assert all(255 * each.mean() < 1 for each in lost.values())
        assert 255 * lost["prophoto"][plain.min(axis=2) < 0.1].max() > 2

    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
    def test_alpha_and_palettes_keep_their_place_beside_a_profile(self, tmp_path, mode):
        picture = Image.new("RGB", (32, 32), (234, 51, 35)).convert(mode)
        grey = mode.startswith("L")
        if mode.endswith("A"):
            picture.paste((90, 0) if mode == "LA" else (234, 51, 35, 0), (0, 0, 32, 16))
        profile = icc.grey_profile(1.0) if grey else P3
        path = write(tmp_path / "a.png", picture, icc_profile=profile)
        value = np.asarray(picture.convert("RGBA"))[20, 20, 0] / 255
        image = load_image(path)
        expected = [icc.encode(value, None)] * 3 if grey else [1, 0, 0]
        np.testing.assert_allclose(image[20, 20], expected, atol=4 / 255)
        alpha = load_alpha(path)
        both = load_cut_out(path)
        np.testing.assert_array_equal(both[0], image)
        np.testing.assert_array_equal(both[1], alpha)
        if mode.endswith("A"):
            np.testing.assert_array_equal(alpha, np.repeat([[0], [1]], 16, 0).repeat(32, 1))
            np.testing.assert_array_equal(image[:16], np.ones((16, 32, 3)))
        else:
            assert alpha is None

    @pytest.mark.parametrize("suffix", [".jpg", ".tif"])
    def test_cmyk_by_its_profile(self, tmp_path, suffix):
        picture = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
        profile = icc.cmyk_profile(60, -30, -40)
        image = load_image(write(tmp_path / f"a{suffix}", picture, icc_profile=profile))
        np.testing.assert_allclose(image[9, 9], icc.lab_in_srgb(60, -30, -40), atol=4 / 255)

    @pytest.mark.parametrize(
        ("profile", "words"),
        [
            (b"junk" * 50, "colour profile is broken"),
            (P3[:200], "colour profile is broken"),
            (icc.grey_profile(2.2), "colour profile is for GRAY and not for RGB pixels"),
        ],
    )
    def test_a_profile_of_no_use_is_ignored_with_one_warning(self, tmp_path, profile, words):
        path = write(tmp_path / "a.png", noise(), icc_profile=profile)
        with pytest.warns(UserWarning, match=words) as caught:
            image = load_image(path)
        (warning,) = caught
        assert str(warning.message).startswith(f"{path}: its {words}")
        assert str(warning.message).endswith("its colours are taken for sRGB")
        assert warning.filename == __file__
        np.testing.assert_array_equal(image, floats())

    @pytest.mark.parametrize("suffix", WITH_PROFILE)
    def test_results_say_that_they_are_srgb(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", smooth())
        with Image.open(path) as picture:
            assert picture.info["icc_profile"] == srgb_profile()
        plain = write(tmp_path / "b.png", to_uint8(smooth()), icc_profile=srgb_profile())
        np.testing.assert_array_equal(load_image(plain), to_uint8(smooth()) / np.float32(255))

    @pytest.mark.parametrize("suffix", SAVE_FORMATS)
    def test_nothing_of_a_photos_exif_is_written(self, tmp_path, suffix):
        exif = Image.Exif()
        exif[0x010F], exif.get_ifd(0x8825)[1] = "the maker", "N"
        exif.get_ifd(0x8769)[0x927C] = b"a makers note"
        photo = write(tmp_path / "photo.jpg", noise(), exif=exif, comment=b"a comment")
        path = save_image(tmp_path / f"a{suffix}", load_image(photo))
        written = path.read_bytes()
        assert not any(word in written for word in (b"the maker", b"makers note", b"a comment"))
        with Image.open(path) as picture:
            assert not {0x010F, 0x8825, 0x8769} & set(picture.getexif())


class TestAlpha:
    @pytest.mark.parametrize("suffix", TRANSPARENT)
    def test_round_trip(self, tmp_path, suffix):
        alpha = smooth()[:, :, 0].copy()
        alpha[:8], alpha[16:] = 0, 1
        path = save_image(tmp_path / f"a{suffix}", smooth(), alpha=alpha)
        found = load_alpha(path)
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        np.testing.assert_allclose(
            found, alpha, atol=1.5 / 255 if suffix == ".avif" else 0.51 / 255
        )
        near = np.abs(load_image(path) - (smooth() * alpha[..., None] + 1 - alpha[..., None]))
        assert near.mean() < 0.02

    @pytest.mark.parametrize("size", [32, 80])
    def test_it_has_the_size_of_the_image(self, tmp_path, size):
        alpha = smooth()[:, :, 1]
        path = save_image(tmp_path / "a.png", smooth(), alpha=alpha)
        found = load_alpha(path, size=size)
        assert found.shape == load_image(path, size=size).shape[:2]
        expected = resize(np.repeat(to_uint8(alpha)[..., None] / np.float32(255), 3, 2), size)
        np.testing.assert_array_equal(found, expected[..., 0])

    @pytest.mark.parametrize("suffix", SAVE_FORMATS)
    def test_an_opaque_picture_has_none(self, tmp_path, suffix):
        assert load_alpha(save_image(tmp_path / f"a{suffix}", smooth())) is None
        if suffix in TRANSPARENT:
            path = save_image(tmp_path / f"a{suffix}", smooth(), alpha=np.ones((24, 40)))
            assert load_alpha(path) is None

    @pytest.mark.parametrize("bits", [8, 16])
    def test_grey_with_a_transparent_colour(self, tmp_path, bits):
        grey = np.linspace(0, 2**bits - 1, 20 * 30).astype(f"u{bits // 8}").reshape(20, 30)
        grey[3, 4] = grey[0, 0]
        path = write(tmp_path / "a.png", grey, transparency=int(grey[0, 0]))
        opaque = (grey != grey[0, 0]).astype(np.float32)
        assert opaque[3, 4] == 0
        np.testing.assert_array_equal(load_alpha(path), opaque)
        expected = np.where(opaque == 1, grey / np.float32(2**bits - 1), 1)
        np.testing.assert_array_equal(load_image(path)[..., 0], expected)

    def test_it_refuses_what_load_image_refuses(self, tmp_path):
        with pytest.raises(ImageError, match=r"no\.png: no such file; accepted"):
            load_alpha(tmp_path / "no.png")
        with pytest.raises(ImageError, match=r"^size: is 0; accepted"):
            load_alpha(save_image(tmp_path / "a.png", smooth()), size=0)

    @pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".ppm"])
    def test_formats_without_transparency(self, tmp_path, suffix):
        with pytest.raises(
            ImageError, match=rf"a\{suffix}: {suffix} holds no.*accepted.*\.png, \.webp"
        ):
            save_image(tmp_path / f"a{suffix}", smooth(), alpha=np.ones((24, 40)))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "alpha",
        [
            np.ones((40, 24)),
            np.ones((24, 40, 1)),
            [[1.0] * 40] * 24,
            3,
            np.full((24, 40), 255, np.uint8),
            np.full((24, 40), 2.0),
            np.full((24, 40), np.nan),
        ],
    )
    def test_bad_alpha(self, tmp_path, alpha):
        with pytest.raises(ImageError, match=r"^alpha: .*accepted"):
            save_image(tmp_path / "a.png", smooth(), alpha=alpha)


class TestSave:
    @pytest.mark.parametrize("suffix", LOSSLESS)
    def test_round_trip_is_exact_to_eight_bits(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", floats())
        np.testing.assert_array_equal(load_image(path), floats())

    @pytest.mark.parametrize("suffix", [".webp", ".png", ".tif"])
    def test_colours_that_are_seen_through_are_kept(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", floats(), alpha=np.zeros((24, 40)))
        with Image.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture)[..., :3], noise())

    def test_values_are_rounded_and_not_cut(self, tmp_path):
        image = np.full((20, 20, 3), 0.6 / 255, np.float32)
        assert load_image(save_image(tmp_path / "a.png", image)).max() == np.float32(1 / 255)

    @pytest.mark.parametrize("suffix", LOSSY)
    def test_lossy_round_trip_is_near(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", smooth())
        assert np.abs(load_image(path) - smooth()).mean() < 0.02

    @pytest.mark.parametrize("suffix", [*SAVE_FORMATS, ".JPG", ".Png"])
    def test_suffix_picks_the_format(self, tmp_path, suffix):
        path = save_image(tmp_path / f"a{suffix}", floats())
        assert path == tmp_path / f"a{suffix}"
        assert format_of(path) == SAVE_FORMATS[suffix.lower()]

    def test_str_gives_a_path(self, tmp_path):
        assert save_image(str(tmp_path / "a.png"), floats()) == tmp_path / "a.png"

    @pytest.mark.parametrize("suffix", [*LOSSY, ".webp"])
    def test_quality_changes_the_size(self, tmp_path, suffix):
        sizes = [
            save_image(tmp_path / f"{quality}{suffix}", floats(), quality=quality).stat().st_size
            for quality in (10, 60, 100)
        ]
        assert sizes == sorted(set(sizes))

    @pytest.mark.parametrize("suffix", [".jpg", ".avif", ".webp"])
    def test_the_colour_resolution_is_kept(self, tmp_path, suffix):
        # Red and blue columns in turn: halving the colour resolution would mix them to purple.
        image = np.zeros((32, 32, 3), np.float32)
        image[:, ::2, 0] = image[:, 1::2, 2] = 1
        image = load_image(save_image(tmp_path / f"a{suffix}", image))
        assert image[:, ::2, 0].mean() > 0.9
        assert image[:, 1::2, 0].mean() < 0.1

    @pytest.mark.parametrize(("suffix", "usual"), [(".jpg", 95), (".avif", 90)])
    def test_the_usual_quality(self, tmp_path, suffix, usual):
        path = save_image(tmp_path / f"a{suffix}", smooth())
        same = save_image(tmp_path / f"b{suffix}", smooth(), quality=usual)
        assert path.read_bytes() == same.read_bytes()

    def test_an_earlier_file_is_replaced(self, tmp_path):
        path = save_image(tmp_path / "a.png", np.zeros((20, 20, 3), np.float32))
        save_image(path, floats())
        np.testing.assert_array_equal(load_image(path), floats())
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
    def test_file_has_the_usual_permissions(self, tmp_path):
        (tmp_path / "usual").touch()
        path = save_image(tmp_path / "a.png", floats())
        assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode

    @pytest.mark.parametrize("moment", ["encode", "replace"])
    @pytest.mark.parametrize("error", [OSError("disk is full"), ValueError("no"), MemoryError()])
    def test_failure_leaves_the_earlier_file_and_nothing_else(
        self, tmp_path, monkeypatch, moment, error
    ):
        path = save_image(tmp_path / "a.png", floats())
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
            save_image(tmp_path / "a.png", floats())
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["a", "a.gif", "a.jp2", "a.heic", "a.jxl", ".png", ""])
    def test_unknown_suffixes(self, tmp_path, name):
        with pytest.raises(ImageError, match=r"names no format; accepted: \.jpg, \.jpeg, \.png"):
            save_image(tmp_path / name, floats())

    @pytest.mark.parametrize("quality", [0, 101, -5, 50.0, True, "95"])
    def test_bad_quality(self, tmp_path, quality):
        with pytest.raises(ImageError, match=r"^quality: .*accepted: an int from 1 to 100"):
            save_image(tmp_path / "a.jpg", floats(), quality=quality)

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
                save_image(path, floats())
        assert {path.name for path in tmp_path.iterdir()} == {"folder.png", "file"}

    def test_folder_without_permission(self, tmp_path, monkeypatch):
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(ImageError, match="permission is denied"):
            save_image(tmp_path / "a.png", floats())

    def test_a_side_that_the_format_cannot_hold(self, tmp_path):
        wide = np.zeros((16, 20000, 3), np.float32)
        with pytest.raises(ImageError, match="could not be written"):
            save_image(tmp_path / "a.webp", wide)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "image", [noise(), floats()[..., 0], floats() * np.float32(np.nan), floats() * 2, None]
    )
    def test_bad_images_write_nothing(self, tmp_path, image):
        with pytest.raises(ImageError, match=r"^image: "):
            save_image(tmp_path / "a.png", image)
        assert list(tmp_path.iterdir()) == []

    def test_every_saved_format_is_looked_for_in_folders(self):
        assert set(SAVE_FORMATS) < set(LOAD_SUFFIXES)


# --- masks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_a_mask_is_white_where_its_file_is(tmp_path, mode):
    white = np.zeros((20, 24), np.uint8)
    white[:, 8:] = 255
    white[:, 16:] = 51
    deep = Image.fromarray(white.astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else Image.fromarray(white).convert(mode)
    mask = load_mask(write(tmp_path / "mask.png", picture))
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask, white / 255, atol=1e-6)


def test_what_is_transparent_in_a_mask_is_black(tmp_path):
    pixels = np.full((16, 20, 4), 255, np.uint8)
    pixels[:, 10:, 3] = 0
    pixels[:8, :, :3] = 102  # grey, half of it transparent
    mask = load_mask(write(tmp_path / "mask.png", Image.fromarray(pixels)))
    np.testing.assert_allclose(mask[:8, :10], 0.4, atol=1e-6)
    np.testing.assert_allclose(mask[8:, :10], 1, atol=1e-6)
    np.testing.assert_allclose(mask[:, 10:], 0, atol=1e-6)


def test_a_mask_that_is_no_picture_is_refused_by_its_name(tmp_path):
    path = tmp_path / "mask.png"
    path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"mask\.png"):
        load_mask(path)
