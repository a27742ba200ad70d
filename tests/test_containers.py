import io
import struct

import pytest
from PIL import Image

from nstlib.containers import code_points, declared_sizes, is_heic, is_jpeg_xl, jpeg_xl_header

BARE, BOXED = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
# Two frames, and 16-bit samples in boxes, both 24 x 16 px, written by libjxl 0.11 (imagecodecs).
ANIMATED = "ff0a03054d0020260804010038004b188b158055fc7f0000455ad409080405003c004b188b15805df8ff00005273a84302"
SIXTEEN = (
    "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c0a"
    "000000fc6a786c63ff0a03f10350b4080804010098034b3840"
)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def bits(*fields: tuple[int, int]) -> bytes:
    """A bare JPEG XL stream of numbers, each with its count of bits."""
    value = place = 0
    for number, count in fields:
        value |= number << place
        place += count
    return BARE + value.to_bytes(place // 8 + 8, "little")


def ftyp(major: bytes, *others: bytes) -> bytes:
    return box(b"ftyp", major + bytes(4) + b"".join(others))


def avif(*properties: bytes) -> bytes:
    inner = box(b"iprp", box(b"ipco", b"".join(properties)))
    return ftyp(b"avif", b"mif1") + box(b"meta", bytes(4) + box(b"pitm", bytes(6)) + inner)


class TestHeif:
    @pytest.mark.parametrize(
        ("start", "heic"),
        [
            (ftyp(b"heic", b"mif1", b"heic"), True),
            (ftyp(b"mif1", b"mif1", b"heic"), True),
            (ftyp(b"heix"), True),
            (ftyp(b"avif", b"mif1", b"miaf"), False),
            (ftyp(b"mif1", b"avif", b"mif1"), False),
            (ftyp(b"isom", b"mp41"), False),
            (b"\xff\xd8\xff\xe0", False),
            (b"", False),
        ],
    )
    def test_heic_by_its_brands(self, start, heic):
        assert is_heic(start) is heic

    def test_code_points(self):
        colr = box(b"colr", b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128))
        profile = box(b"colr", b"prof" + bytes(200))
        gain_map = box(b"colr", b"nclx" + struct.pack(">HHHB", 9, 16, 9, 128))
        assert code_points(avif(box(b"ispe", bytes(12)), profile, colr, gain_map)) == (12, 13)
        assert code_points(avif(profile)) is None
        assert code_points(avif()) is None

    def test_declared_sizes(self):
        sizes = [box(b"ispe", struct.pack(">III", 0, *size)) for size in ((64, 48), (9000, 8000))]
        assert declared_sizes(avif(sizes[0], box(b"clap", bytes(32)), sizes[1])) == [
            (64, 48),
            (9000, 8000),
        ]
        assert declared_sizes(b"\xff\xd8") == []

    def test_code_points_that_pillow_writes(self):
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16)).save(buffer, "AVIF")
        assert code_points(buffer.getvalue()) == (1, 13)

    def test_boxes_of_every_length(self):
        colr = box(b"colr", b"nclx" + struct.pack(">HHHB", 9, 18, 9, 128))
        inner = bytes(4) + box(b"iprp", box(b"ipco", colr))
        long = struct.pack(">I4sQ", 1, b"meta", 16 + len(inner)) + inner
        last = struct.pack(">I4s", 0, b"meta") + inner
        assert code_points(long) == code_points(last) == (9, 18)

    def test_damaged_boxes_say_nothing_and_end(self):
        whole = avif(box(b"colr", b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128)))
        for length in range(len(whole)):
            assert code_points(whole[:length]) in (None, (12, 13))
        for length in range(1, 8):
            assert code_points(struct.pack(">I4s", length, b"meta") * 3) is None


class TestJpegXl:
    def test_bare_and_boxed(self):
        assert is_jpeg_xl(BARE)
        assert is_jpeg_xl(BOXED)
        assert not is_jpeg_xl(b"\xff\xd8")
        assert not is_jpeg_xl(ftyp(b"avif"))

    @pytest.mark.parametrize(
        ("fields", "size"),
        [
            ([(1, 1), (2, 5), (1, 3)], (24, 24)),  # in eights, square
            ([(1, 1), (1, 5), (0, 3), (4, 5)], (40, 16)),
            ([(0, 1), (0, 2), (99, 9), (3, 3)], (133, 100)),  # 4 : 3, rounded down
            ([(0, 1), (1, 2), (3023, 13), (0, 3), (1, 2), (4031, 13)], (4032, 3024)),
            ([(0, 1), (2, 2), (2**18 - 1, 18), (7, 3)], (2**19, 2**18)),
            ([(0, 1), (3, 2), (2**30 - 1, 30), (1, 3)], (2**30, 2**30)),
        ],
    )
    def test_sizes(self, fields, size):
        header = jpeg_xl_header(bits(*fields, (1, 1)))
        assert (header.width, header.height, header.bits, header.animated) == (*size, 8, False)

    def test_what_other_writers_write(self):
        animated = jpeg_xl_header(bytes.fromhex(ANIMATED))
        assert (animated.width, animated.height, animated.animated) == (24, 16, True)
        sixteen = jpeg_xl_header(bytes.fromhex(SIXTEEN))
        assert (sixteen.width, sixteen.height, sixteen.bits) == (24, 16, 16)
        assert not sixteen.animated

    def test_a_stream_in_parts(self):
        stream = bits((1, 1), (2, 5), (1, 3), (1, 1))
        parts = [
            box(b"jxlp", struct.pack(">I", i) + stream[a:b])
            for i, (a, b) in enumerate([(0, 3), (3, 99)])
        ]
        header = jpeg_xl_header(BOXED + box(b"Exif", bytes(500)) + b"".join(parts))
        assert (header.width, header.height) == (24, 24)

    @pytest.mark.parametrize("data", [b"", BARE, BARE + b"\0", BOXED, BOXED + box(b"jxlc", b"")])
    def test_cut_off(self, data):
        with pytest.raises(ValueError, match="JPEG XL"):
            jpeg_xl_header(data)

    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
    @pytest.mark.parametrize("size", [(24, 16), (123, 77), (320, 180), (1000, 17)])
    def test_what_the_plugin_writes(self, mode, size):
        pytest.importorskip("pillow_jxl")
        buffer = io.BytesIO()
        Image.new(mode, size).save(buffer, "JXL", effort=1)
        header = jpeg_xl_header(buffer.getvalue())
        assert (header.width, header.height, header.bits) == (*size, 8)
