"""What single formats need, seen through `load_image` and `load_alpha`."""

import io
import struct
import sys
import zlib
from pathlib import Path

import icc
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFile
from samples import floats, noise, png16, smooth

from nstlib.decoding import MAX_SHRUNK_PIXELS
from nstlib.errors import ImageError
from nstlib.files import load_alpha, load_image
from nstlib.images import resize, to_uint8

LEVEL = 1 / 255
P3 = icc.rgb_profile(icc.DISPLAY_P3)
# 16 x 16 px of 16-bit grey with alpha, written by libjxl 0.11 (imagecodecs).
GREY_WITH_ALPHA = (
    "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c0a000000cb6a786c63ff0a43f023f8"
    "01285a0408101000cc024b386898c283f725144c8211c736c69831537719132dc5e01ec418cc440c0e5c042080e3f88f80ff7f9f051d3a"
    "74e8d07fffa143870e1dfad03f74e8d0a143f76d063d3a3afa761b3a3a3a3a7a351b3a3a3a3a3a5118ba88888888888888084f12859202"
    "4ba0c05e11111111ff632516710b1fa22d222222e5b0289c084f348e4f4444444444dedd45444444444444444444444444449806444444"
    "44444444444444440443dc65e920c4e8e12b938d65e11101"
)
# 16 x 16 px of 10 bits without loss, red by column, green by row and blue 512, written by libavif 1.4 (imagecodecs).
TEN_BITS = (
    "00000020667479706176696600000000617669666d6966316d6961664d413141000000eb6d657461000000000000002168646c7200000000"
    "0000000070696374000000000000000000000000000000000e7069746d0000000000010000001e696c6f6300000000440000010001000000"
    "01000001130000006a0000002869696e660000000000010000001a696e6665020000000001000061763031436f6c6f72000000006a697072"
    "700000004b6970636f0000001469737065000000000000001000000010000000107069786900000000030a0a0a0000000c61763143812040"
    "0000000013636f6c726e636c78000200020000800000001769706d61000000000000000100010401028304000000726d64617412000a0838"
    "0cfff9c0808024325c10000071eb71ed7798ecd42ed2fcd80b923ea7028a33301a830a3b308fd52c273c882db7f1ec2bb681061a8b661b64"
    "7bd3550fbdf4011bd95d182896d148e7c0eae326a6f9bcaf5d54971755c2ab94b91c3de5e4088663175930fbc0"
)
ORIENTATION, MAKER = 0x0112, 0x010F


def encoded(picture, form: str, **options) -> bytes:
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def deep(channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**16, (20, 30, channels)).astype(np.uint16)


@pytest.fixture
def write(tmp_path):
    """Writes bytes to a file; gives its path."""

    def write(data: bytes, name: str = "a.jpg") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = orientation, "maker"
    return exif.tobytes()


# --- sixteen bits ------------------------------------------------------------------------------


class TestSixteenBits:
    def test_png(self, write):
        samples = deep(3)
        image = load_image(write(png16(samples)))
        np.testing.assert_array_equal(image, samples / np.float32(65535))

    @pytest.mark.parametrize("channels", [2, 4])
    def test_png_with_alpha(self, write, channels):
        samples = deep(channels)
        path = write(png16(samples))
        values = samples / 65535
        alpha = values[:, :, -1:]
        expected = np.broadcast_to(values[:, :, :-1] * alpha + (1 - alpha), (20, 30, 3))
        np.testing.assert_allclose(load_image(path), expected, atol=1e-6)
        np.testing.assert_allclose(load_alpha(path), alpha[:, :, 0], atol=1e-6)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_png_with_one_transparent_colour(self, write, channels):
        samples = deep(channels)
        samples[4:9, 5:25] = colour = [1000, 2000, 3000][:channels]
        samples[0, 0] = [value + 1 for value in colour]  # another, though equal at 8 bits
        path = write(png16(samples, (b"tRNS", struct.pack(f">{channels}H", *colour))))
        opaque = np.ones((20, 30))
        opaque[4:9, 5:25] = 0
        np.testing.assert_array_equal(load_alpha(path), opaque)
        expected = np.where(opaque[:, :, None] == 1, samples / np.float32(65535), 1)
        np.testing.assert_allclose(
            load_image(path), np.broadcast_to(expected, (20, 30, 3)), atol=1e-6
        )

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("packing", [None, "zlib"])
    @pytest.mark.parametrize("channels", [3, 4])
    def test_tiff(self, tmp_path, channels, packing, order):
        samples = deep(channels)
        tifffile.imwrite(
            tmp_path / "a.tif",
            samples,
            photometric="rgb",
            byteorder=order,
            compression=packing,
            extrasamples=["unassalpha"] if channels == 4 else None,
        )
        values = samples / 65535
        alpha = values[:, :, 3:] if channels == 4 else 1
        expected = values[:, :, :3] * alpha + (1 - alpha)
        np.testing.assert_allclose(load_image(tmp_path / "a.tif"), expected, atol=1e-6)

    def test_tiff_of_planes_that_would_be_misread_is_refused(self, tmp_path):
        path = tmp_path / "a.tif"
        planes = np.moveaxis(deep(3), 2, 0)
        tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
        with pytest.raises(ImageError, match=r"a\.tif: is a TIFF of an unusual kind; accepted"):
            load_image(path)
        tifffile.imwrite(
            path, (planes >> 8).astype(np.uint8), photometric="rgb", planarconfig="separate"
        )
        np.testing.assert_array_equal(load_image(path), (deep(3) >> 8) / np.float32(255))

    def test_ppm_and_pgm(self, write):
        colour, grey = deep(3), deep(1)
        image = load_image(write(b"P6 30 20 65535\n" + colour.astype(">u2").tobytes()))
        np.testing.assert_array_equal(image, colour / np.float32(65535))
        image = load_image(write(b"P5 30 20 65535\n" + grey.astype(">u2").tobytes()))
        np.testing.assert_array_equal(image, np.repeat(grey / np.float32(65535), 3, 2))

    def test_orientation(self, write):
        samples = deep(3)
        path = write(png16(samples, (b"eXIf", turned(6)[6:])))
        np.testing.assert_array_equal(load_image(path), np.rot90(samples, -1) / np.float32(65535))

    def test_profile(self, write):
        samples = deep(3)
        path = write(png16(samples, (b"iCCP", b"p3\0\0" + zlib.compress(P3))))
        expected = icc.converted(samples / 65535, icc.DISPLAY_P3, icc.SRGB)
        np.testing.assert_allclose(load_image(path), expected, atol=1e-3)


# --- JPEG --------------------------------------------------------------------------------------


class TestShrunkJpeg:
    def test_108_megapixels_are_decoded_small(self, write, monkeypatch):
        path = write(encoded(Image.new("L", (12000, 9000), 200), "JPEG"))
        with pytest.raises(ImageError, match=r"a\.jpg: 12000 x 9000 px is too large; accepted"):
            load_image(path)
        decoded, load = [], Image.Image.load
        monkeypatch.setattr(
            Image.Image, "load", lambda self: decoded.append(self.size) or load(self)
        )
        image = load_image(path, size=256)
        assert image.shape == (192, 256, 3)
        np.testing.assert_allclose(image, 200 / 255, atol=0.01)
        assert max(decoded) <= (1500, 1125)  # an eighth

    def test_there_is_an_end(self, write, monkeypatch):
        data = encoded(Image.new("L", (64, 64)), "JPEG")
        frame = data.index(b"\xff\xc0") + 5
        path = write(data[:frame] + struct.pack(">HH", 65000, 65000) + data[frame + 4 :])
        assert MAX_SHRUNK_PIXELS < 65000**2
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
        with pytest.raises(ImageError, match="65000 x 65000 px is too large"):
            load_image(path, size=64)

    @pytest.mark.parametrize("options", [{}, {"progressive": True}])
    def test_a_shrunk_picture_is_that_of_the_whole_one(self, write, options):
        image = smooth(601, 803)
        path = write(encoded(to_uint8(image), "JPEG", quality=95, subsampling=0, **options))
        for size in (64, 100, 199, 201, 400):
            expected = resize(image, size)
            found = load_image(path, size=size)
            assert found.shape == expected.shape
            assert np.abs(found - expected).mean() < LEVEL
            assert np.abs(found - expected).max() < 8 * LEVEL

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_its_last_half_pixel_lies_where_it_belongs(self, write, orientation):
        # 801 pixels are 100.125 at an eighth. Edges in the middle show any shift.
        stored = np.full((601, 801, 3), 20, np.uint8)
        stored[:300], stored[:, :400, 0] = 230, 250
        data = encoded(stored, "JPEG", quality=95, subsampling=0, exif=turned(orientation))
        whole = load_image(write(data))
        np.testing.assert_allclose(
            load_image(write(data), size=50), resize(whole, 50), atol=6 * LEVEL
        )

    @pytest.mark.parametrize("orientation", [0, 9, 300])
    def test_orientations_that_mean_nothing(self, write, orientation):
        data = encoded(to_uint8(smooth(601, 803)), "JPEG", exif=turned(orientation))
        assert load_image(write(data), size=64).shape == (48, 64, 3)

    def test_a_long_strip_is_refused_by_its_own_size(self, write):
        path = write(encoded(Image.new("L", (4000, 160)), "JPEG"))
        with pytest.raises(ImageError, match="size: 100 of a 4000 x 160 px image: 100 x 4 px"):
            load_image(path, size=100)

    def test_a_gain_map_is_no_animation_and_left_out(self, write):
        base, gain = Image.new("RGB", (64, 48), (200, 100, 50)), Image.new("L", (32, 24), 255)
        data = encoded(base, "MPO", save_all=True, append_images=[gain], quality=95)
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.is_animated) == ("MPO", True)
        image = load_image(write(data))
        assert image.shape == (48, 64, 3)
        np.testing.assert_allclose(image[20, 20] * 255, [200, 100, 50], atol=3)
        assert load_image(write(data), size=24).shape == (18, 24, 3)


# --- AVIF --------------------------------------------------------------------------------------


def avif(primaries: int, transfer: int, colour=(200, 100, 50), **options) -> bytes:
    data = encoded(Image.new("RGB", (24, 24), colour), "AVIF", subsampling="4:4:4", **options)
    return data.replace(b"nclx\0\1\0\r", struct.pack(">4sHH", b"nclx", primaries, transfer), 1)


class TestAvif:
    def test_display_p3_without_a_profile(self, write):
        path = write(avif(12, 13, (234, 51, 35), quality=100))
        np.testing.assert_allclose(load_image(path)[12, 12], [1, 0, 0], atol=6 * LEVEL)
        plain = write(avif(1, 13, (234, 51, 35), quality=100))
        np.testing.assert_allclose(load_image(plain)[12, 12] * 255, [234, 51, 35], atol=2)

    def test_the_profile_comes_before_the_code_points(self, write):
        data = avif(12, 13, (234, 51, 35), quality=100, icc_profile=icc.rgb_profile(icc.SRGB))
        np.testing.assert_allclose(load_image(write(data))[12, 12] * 255, [234, 51, 35], atol=2)

    def test_ten_bits_are_read_at_eight(self, write):
        ramp = np.linspace(0, 1, 16)
        across, down = np.meshgrid(ramp, ramp)
        expected = np.stack([across, down, np.full((16, 16), 512 / 1023)], axis=-1)
        image = load_image(write(bytes.fromhex(TEN_BITS)))
        np.testing.assert_allclose(image, expected, atol=LEVEL)

    def test_hdr_is_read_with_a_warning(self, write):
        with pytest.warns(UserWarning, match=r"a\.jpg: it is an HDR picture \(PQ\)") as caught:
            image = load_image(write(avif(9, 16, quality=100)))
        assert len(caught) == 1
        np.testing.assert_allclose(image[12, 12] * 255, [200, 100, 50], atol=2)


# --- HEIC --------------------------------------------------------------------------------------


@pytest.fixture
def heif():
    return pytest.importorskip("pillow_heif")


def heic(heif, samples: np.ndarray, mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    size = samples.shape[1], samples.shape[0]
    made = heif.from_bytes(mode, size, samples.tobytes())
    made.save(buffer, **{"quality": 100, "chroma": 444, **options})
    return buffer.getvalue()


class TestHeic:
    def test_pixels(self, write, heif):
        image = load_image(write(heic(heif, to_uint8(smooth()))))
        assert np.abs(image - smooth()).mean() < 2 * LEVEL

    def test_grey_and_alpha(self, write, heif):
        rgba = np.dstack([to_uint8(smooth()), np.full((24, 40), 255, np.uint8)])
        rgba[:, :20, 3] = 0
        path = write(heic(heif, rgba, "RGBA"))
        alpha = load_alpha(path)
        assert (alpha[:, :16].max(), alpha[:, 24:].min()) == (0, 1)
        assert load_image(path)[:, :16].min() == 1
        grey = load_image(write(heic(heif, rgba[:, :, 0], "L")))
        np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
        assert np.abs(grey[..., 0] - smooth()[..., 0]).mean() < 2 * LEVEL

    def test_premultiplied_alpha_is_refused(self, write, heif):
        with pytest.raises(ImageError, match=r"a\.jpg: is a HEIC with premultiplied alpha"):
            load_image(write(heic(heif, np.full((24, 24, 4), 99, np.uint8), "RGBa")))

    def test_ten_bits_are_kept(self, write, heif):
        ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64, 1)
        image = load_image(write(heic(heif, np.repeat(ramp, 3, 2), "RGB;16", quality=-1)))
        assert len(np.unique(image)) > 700
        assert image.max() == 1
        np.testing.assert_allclose(image, np.repeat(ramp / 65535, 3, 2), atol=LEVEL)

    def test_nothing_is_transparent_where_ten_bits_say_so(self, write, heif):
        white = np.full((24, 24, 4), 65535, np.uint16)
        path = write(heic(heif, white, "RGBA;16", quality=-1))
        assert load_alpha(path) is None
        assert (load_image(path) == 1).all()

    def test_profile(self, write, heif):
        patch = np.full((24, 24, 3), (234, 51, 35), np.uint8)
        made = heif.from_bytes("RGB", (24, 24), patch.tobytes())
        made.info["icc_profile"], made.info["icc_profile_type"] = P3, "prof"
        buffer = io.BytesIO()
        made.save(buffer, quality=100, chroma=444)
        assert heif.open_heif(buffer).info["icc_profile"] == P3
        np.testing.assert_allclose(
            load_image(write(buffer.getvalue()))[9, 9], [1, 0, 0], atol=6 * LEVEL
        )

    def test_display_p3_without_a_profile(self, write, heif):
        data = heic(heif, np.full((24, 24, 3), (234, 51, 35), np.uint8))
        place = data.index(b"nclx")
        data = data[:place] + struct.pack(">4sHH", b"nclx", 12, 13) + data[place + 8 :]
        np.testing.assert_allclose(load_image(write(data))[9, 9], [1, 0, 0], atol=6 * LEVEL)

    def test_it_is_turned_once(self, write, heif):
        data = heic(heif, to_uint8(smooth()), exif=turned(6))
        image = load_image(write(data))
        assert np.abs(image - np.rot90(smooth(), -1)).mean() < 2 * LEVEL

    def test_of_several_pictures_the_main_one_is_read(self, write, heif):
        made = heif.from_bytes("RGB", (40, 24), to_uint8(smooth()).tobytes())
        made.add_frombytes("RGB", (64, 64), bytes(64 * 64 * 3))
        buffer = io.BytesIO()
        made.save(buffer, quality=100, chroma=444, save_all=True, primary_index=0)
        assert len(heif.open_heif(buffer)) == 2
        assert np.abs(load_image(write(buffer.getvalue())) - smooth()).mean() < 2 * LEVEL

    def test_the_size_is_checked_before_decoding(self, write, heif, monkeypatch):
        data = heic(heif, noise(64, 64))
        place = data.index(b"ispe") + 8
        path = write(data[:place] + struct.pack(">II", 20000, 20000) + data[place + 8 :])
        monkeypatch.setattr(heif, "open_heif", lambda *args, **rest: pytest.fail("opened"))
        with pytest.raises(ImageError, match=r"a\.jpg: 20000 x 20000 px is too large"):
            load_image(path)

    def test_what_lies_in_an_open_file_is_not_decoded_if_it_is_too_small(
        self, write, heif, monkeypatch
    ):
        path = write(heic(heif, noise(8, 64)))
        monkeypatch.setattr(heif.HeifFile, "__array_interface__", property(pytest.fail))
        with pytest.raises(ImageError, match="64 x 8 px is too small"):
            load_image(path)

    def test_the_thumbnail_in_the_file_is_left_alone(self, write, heif):
        # It is made of every so many pixels: of fine stripes it shows coarse ones, where shrinking shows grey.
        fine = np.zeros((96, 160, 3), np.uint8)
        fine[:, ::2] = 255
        made = heif.from_bytes("RGB", (160, 96), fine.tobytes())
        made.info["thumbnails"] = [64]
        data = io.BytesIO()
        made.save(data, quality=100, chroma=444)
        assert heif.open_heif(data).info["thumbnails"] == [64]
        found = load_image(write(data.getvalue()), size=64)
        np.testing.assert_allclose(found, resize(fine / np.float32(255), 64), atol=6 * LEVEL)

    def test_the_openers_of_pillow_stay_as_they_are(self, write, heif):
        before = dict(Image.OPEN)
        load_image(write(heic(heif, noise(64, 64))))
        assert before == Image.OPEN


# --- JPEG XL -----------------------------------------------------------------------------------


@pytest.fixture
def jxl():
    return pytest.importorskip("pillow_jxl")


class TestJpegXl:
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_pixels(self, write, jxl, mode):
        picture = Image.fromarray(noise()).convert(mode)
        image = load_image(write(encoded(picture, "JXL", lossless=True)))
        np.testing.assert_array_equal(image, np.asarray(picture.convert("RGB")) / np.float32(255))

    def test_alpha(self, write, jxl):
        rgba = np.dstack([noise(), noise(seed=1)[:, :, 0]])
        path = write(encoded(rgba, "JXL", lossless=True))
        np.testing.assert_array_equal(load_alpha(path), rgba[:, :, 3] / np.float32(255))

    def test_sixteen_bit_grey(self, write, jxl):
        grey = deep(1)[:, :, 0]
        image = load_image(write(encoded(grey, "JXL", lossless=True)))
        # The plugin writes that 16-bit grey is linear light, and so it is read.
        np.testing.assert_allclose(image[..., 1], icc.encode(grey / 65535, None), atol=1e-4)

    def test_a_packed_jpeg_is_turned(self, tmp_path, write, jxl):
        jpeg = write(encoded(to_uint8(smooth()), "JPEG", quality=95, exif=turned(6)), "b.jpg")
        with Image.open(jpeg) as picture:
            picture.save(tmp_path / "a.jxl", lossless_jpeg=True)
        image = load_image(tmp_path / "a.jxl")
        np.testing.assert_allclose(image, load_image(jpeg), atol=3 * LEVEL)
        assert image.shape == (40, 24, 3)

    def test_the_word_of_exif_does_not_count_beside_pixels(self, write, jxl):
        image = load_image(write(encoded(noise(), "JXL", lossless=True, exif=turned(6))))
        np.testing.assert_array_equal(image, floats())

    def test_a_profile(self, tmp_path, write, jxl):
        patch = np.full((24, 24, 3), (234, 51, 35), np.uint8)
        jpeg = write(encoded(patch, "JPEG", quality=100, subsampling=0, icc_profile=P3), "b.jpg")
        with Image.open(jpeg) as picture:  # the plugin itself writes no profile
            picture.save(tmp_path / "a.jxl", lossless_jpeg=True)
        np.testing.assert_allclose(load_image(tmp_path / "a.jxl")[9, 9], [1, 0, 0], atol=6 * LEVEL)

    def test_the_size_is_checked_before_decoding(self, write, jxl, monkeypatch):
        # 2 ** 18 rows, in the header alone
        header = 2 << 1 | (2**18 - 1) << 3 | 1 << 21
        path = write(b"\xff\x0a" + header.to_bytes(12, "little"))
        monkeypatch.setattr(
            jxl.JpegXLImagePlugin.JXLImageFile, "_open", lambda self: pytest.fail("decoded")
        )
        with pytest.raises(ImageError, match=r"a\.jpg: 262144 x 262144 px is too large"):
            load_image(path)

    def test_sixteen_bit_grey_with_alpha_is_refused(self, write, jxl):
        """The plugin would take its bytes for 8-bit samples."""
        with pytest.raises(ImageError, match=r"a\.jpg: is a grey JPEG XL with alpha at 16 bits"):
            load_image(write(bytes.fromhex(GREY_WITH_ALPHA)))

    def test_animated(self, write, jxl):
        from test_containers import ANIMATED

        with pytest.raises(ImageError, match=r"a\.jpg: is animated"):
            load_image(write(bytes.fromhex(ANIMATED)))


# --- without the extra -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "kind", "start"),
    [
        ("pillow_heif", "HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("pillow_jxl", "JPEG XL", b"\xff\x0a"),
        ("pillow_jxl", "JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ],
)
def test_without_the_extra_the_message_names_it(write, monkeypatch, module, kind, start):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError) as caught:
        load_image(write(start + bytes(99), "IMG_1.HEIC"))
    message = str(caught.value)
    assert f"IMG_1.HEIC: is a {kind} picture" in message
    assert "pip install 'nst-study[photos]'" in message
    assert "accepted:" in message


@pytest.mark.parametrize("form", ["AVIF", "HEIC", "JXL"])
def test_damaged_and_cut_off_files_raise_nothing_else(write, form):
    if form == "HEIC":
        data = heic(pytest.importorskip("pillow_heif"), noise())
    else:
        if form == "JXL":
            pytest.importorskip("pillow_jxl")
        data = encoded(noise(), form)
    rng = np.random.default_rng(0)
    cut = [data[:length] for length in np.linspace(1, len(data) - 1, 40).astype(int)]
    flipped = []
    for place in rng.integers(0, min(len(data), 600), 60):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        flipped.append(bytes(damaged))
    refusals = []
    for each in [*cut, *flipped]:
        try:
            load_image(write(each))
        except ImageError as error:
            refusals.append(str(error))
    assert len(refusals) >= 30
    assert all("a.jpg: " in message for message in refusals)
