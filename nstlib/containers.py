"""What is read of HEIF, AVIF and JPEG XL files by hand, because no library says it before it decodes, or at all."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_JPEG_XL_STREAM = b"\xff\x0a"
_JPEG_XL_BOX = b"\0\0\0\x0cJXL \r\n\x87\n"
_HEADER_BYTES = 64  # of a JPEG XL stream: more than all that is read of it
# Width to height, by the number that stands for it.
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and contents of each box (ISO/IEC 14496-12) that the data consist of; the last may be cut off."""
    place = 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        start = place + 8
        if length == 1:
            if start + 8 > len(data):
                return
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = place + length if length else len(data)
        if end < start:
            return
        yield kind, data[start:end]
        place = end


# --- HEIF and AVIF -----------------------------------------------------------------------------


def is_heic(start: bytes) -> bool:
    """Whether a file that starts so is HEIF with HEVC, as telephones write; not AVIF, which is of the same family."""
    if start[4:8] != b"ftyp":
        return False
    length = int.from_bytes(start[:4], "big")
    brands = start[8 : max(length, 12)]
    # The second four bytes are a version.
    found = {brands[i : i + 4] for i in range(0, len(brands), 4) if i != 4}
    return bool(found & _HEIC_BRANDS) and not found & _AVIF_BRANDS


def declared_sizes(data: bytes) -> list[tuple[int, int]]:
    """Width and height in pixels of every picture, tile and thumbnail that a HEIF or AVIF file declares.

    They are what a decoder makes room for; the size that libraries give can be that of a small part of it (`clap`).

    Args:
        data: the file.
    """
    bodies = [body for kind, body in _properties(data) if kind == b"ispe" and len(body) >= 12]
    return [struct.unpack_from(">II", body, 4) for body in bodies]


def code_points(data: bytes) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics (ITU-T H.273) that an AVIF or HEIF file names.

    Those of the first `colr` box of the kind `nclx`: writers put the properties of the main picture first, before those
    of a gain map.

    Args:
        data: the file.

    Returns:
        The two numbers, or None if the file names none.
    """
    for kind, body in _properties(data):
        if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            return struct.unpack_from(">HH", body, 4)
    return None


def _properties(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and contents of the properties of all pictures of a file."""
    for wanted in (b"meta", b"iprp", b"ipco"):
        data = next((body for kind, body in _boxes(data) if kind == wanted), b"")
        if wanted == b"meta":
            data = data[4:]  # its version and flags
    return _boxes(data)


# --- JPEG XL -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class JpegXlHeader:
    """What a JPEG XL file says of itself: width and height in pixels (as stored), bits a sample, if it is animated."""

    width: int
    height: int
    bits: int
    animated: bool


def is_jpeg_xl(start: bytes) -> bool:
    """Whether a file that starts so is JPEG XL, bare or in boxes."""
    return start.startswith((_JPEG_XL_STREAM, _JPEG_XL_BOX))


def jpeg_xl_header(data: bytes) -> JpegXlHeader:
    """The first fields of a JPEG XL file (ISO/IEC 18181-1, SizeHeader and ImageMetadata).

    Args:
        data: the file.

    Raises:
        ValueError: a header that is damaged or cut off.
    """
    bits = _Bits(_stream(data))
    if bits.take(16) != int.from_bytes(_JPEG_XL_STREAM, "little"):
        raise ValueError("no JPEG XL stream")
    width, height = _size(bits)
    if bits.take(1):  # everything else as usual
        return JpegXlHeader(width, height, 8, False)
    animated = False
    if bits.take(1):
        bits.take(3)  # orientation
        if bits.take(1):
            _size(bits)  # the size that it should be shown at
        if bits.take(1):
            raise ValueError("a JPEG XL with a preview")
        animated = bool(bits.take(1))
        if animated:
            _skip_animation(bits)
    if bits.take(1):
        return JpegXlHeader(width, height, bits.choose(32, 16, 24, (6, 1)), animated)
    return JpegXlHeader(width, height, bits.choose(8, 10, 12, (6, 1)), animated)


def _skip_animation(bits: "_Bits") -> None:
    bits.choose(100, 1000, (10, 1), (30, 1))
    bits.choose(1, 1001, (8, 1), (10, 1))
    bits.choose(0, (3, 0), (16, 0), (32, 0))
    bits.take(1)


class _Bits:
    """Numbers out of a row of bits, the lowest of each byte first."""

    def __init__(self, data: bytes):
        self._rest, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("a JPEG XL header that is cut off")
        value = self._rest & ((1 << count) - 1)
        self._rest >>= count
        self._left -= count
        return value

    def choose(self, *ways: int | tuple[int, int]) -> int:
        """The U32 of the standard: two bits choose a number, or how many bits to take and what to add."""
        way = ways[self.take(2)]
        return way if isinstance(way, int) else self.take(way[0]) + way[1]


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height."""
    in_eights = bits.take(1)

    def side() -> int:
        return (
            8 * (bits.take(5) + 1) if in_eights else bits.choose((9, 1), (13, 1), (18, 1), (30, 1))
        )

    height = side()
    ratio = bits.take(3)
    if ratio == 0:
        return side(), height
    over, under = _RATIOS[ratio]
    return height * over // under, height


def _stream(data: bytes) -> bytes:
    """The start of the coded picture, out of its boxes if it is in any."""
    if not data.startswith(_JPEG_XL_BOX):
        return data[:_HEADER_BYTES]
    found = b""
    for kind, body in _boxes(data):
        if kind == b"jxlc":
            return body[:_HEADER_BYTES]
        if kind == b"jxlp":
            found += body[4 : 4 + _HEADER_BYTES]  # after its number
    return found[:_HEADER_BYTES]
