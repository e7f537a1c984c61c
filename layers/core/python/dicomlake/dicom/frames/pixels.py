"""How one frame's pixels lie in memory: landed bytes to arrays of stored values, and exactly back."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dicomlake.dicom.instance import PixelAttributes

PixelArray = NDArray[np.integer]
"""Stored values of one frame: (rows, columns) or (rows, columns, 3), C order, native byte order, u1 i1 u2 or i2."""

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """The Image Pixel module's numbers that decide what a native frame's bytes mean (PS3.5 8.1, PS3.3 C.7.6.3).

    `planar` is Planar Configuration 1: all of one colour, then all of the next. `big_endian` is the order of bytes in
    a 16-bit word; 8-bit pixels of VR OW in a big-endian source are pairs in swapped order (PS3.5 A.3, 8.1.1).
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: bool = False
    big_endian: bool = False
    words_swapped: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The frame's array shape."""
        plane = (self.rows, self.columns)
        return plane if self.samples == 1 else (*plane, self.samples)

    @property
    def native_length(self) -> int:
        """The bytes of one native frame."""
        return (self.rows * self.columns * self.samples * self.bits_allocated + 7) // 8

    @property
    def value_range(self) -> tuple[int, int]:
        """The smallest and largest value that Bits Stored can hold."""
        half = 1 << (self.bits_stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    @property
    def dtype(self) -> np.dtype[np.integer]:
        """The array type codecs take: the narrowest that holds Bits Stored."""
        return _dtype(self.signed, 1 if self.bits_stored <= 8 else 2)

    @property
    def wide_dtype(self) -> np.dtype[np.integer]:
        """The array type of Bits Allocated, little endian: what a viewer gets."""
        return _dtype(self.signed, self.bits_allocated // 8)


def layout_of(attributes: PixelAttributes, *, big_endian: bool, vr: str) -> PixelLayout:
    """Return the layout that an instance's attributes and its pixel data's VR give."""
    return PixelLayout(
        rows=attributes.rows,
        columns=attributes.columns,
        samples=attributes.samples,
        bits_allocated=attributes.bits_allocated,
        bits_stored=attributes.bits_stored,
        signed=attributes.pixel_representation == 1,
        planar=attributes.samples > 1 and attributes.planar_configuration == 1,
        big_endian=big_endian,
        words_swapped=big_endian and vr == "OW" and attributes.bits_allocated == 8,
    )


def landed_to_array(data: Bytes, layout: PixelLayout) -> PixelArray:
    """Return a native frame's stored values in the type of Bits Allocated; a view of `data` where its order allows.

    Raises ValueError if `data` is not exactly one frame.
    """
    array = np.frombuffer(data, _landed_dtype(layout))
    if layout.words_swapped:
        array = array.view("u2").byteswap().view(array.dtype)
    if layout.planar:
        return np.ascontiguousarray(array.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0))
    return array.reshape(layout.shape)


def array_to_landed(array: PixelArray, layout: PixelLayout) -> bytes:
    """Return the native bytes of a frame, in the very order in which it landed; the inverse of `landed_to_array`."""
    if layout.planar:
        array = array.transpose(2, 0, 1)
    landed = np.ascontiguousarray(array, _landed_dtype(layout))
    if layout.words_swapped:
        landed = landed.reshape(-1).view("u2").byteswap()
    return landed.tobytes()


def little_endian(array: PixelArray, layout: PixelLayout) -> PixelArray:
    """Return the values as Explicit VR Little Endian has them: Bits Allocated wide, colour by pixel, contiguous."""
    return np.ascontiguousarray(array, layout.wide_dtype)


def narrowed(array: PixelArray, layout: PixelLayout) -> PixelArray:
    """Return the values in the type that codecs take; they must be within `layout.value_range`."""
    return np.ascontiguousarray(array, layout.dtype)


def cut_bits(data: Bytes, skipped: int, bits: int) -> bytes:
    """Return so many bits behind the skipped ones, the lowest of a byte first (PS3.5 8.1.1), filled up with zeros."""
    pixels = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[skipped : skipped + bits]
    return np.packbits(pixels, bitorder="little").tobytes()


def fits(low: int, high: int, layout: PixelLayout) -> bool:
    """Whether these extremes are within Bits Stored.

    OpenJPH gives back a value outside the declared depth, other decoders clamp it; and a landed sample that passes has
    no bits above Bits Stored but its sign's, so the landed bytes can be made again from the value.
    """
    smallest, largest = layout.value_range
    return smallest <= low and high <= largest


def as_stored(array: PixelArray, layout: PixelLayout) -> PixelArray | None:
    """Return decoded values with the sign that Pixel Representation says, or None where they contradict Bits Stored.

    Encoders write signed pixels as unsigned code streams and the other way round; the bits are right, the reading is
    not. The sign is then bit Bits Stored - 1.
    """
    if (array.dtype.kind == "i") == layout.signed:
        return array
    mask = (1 << layout.bits_stored) - 1
    size = max(array.dtype.itemsize, layout.wide_dtype.itemsize)
    unsigned = array.view(f"u{array.dtype.itemsize}").astype(f"u{size}", copy=False)
    if not layout.signed:
        return (unsigned & mask).astype(layout.wide_dtype) if array.min() >= -(mask + 1) // 2 else None
    shift = 8 * size - layout.bits_stored
    signed = (unsigned << shift).view(f"i{size}") >> shift
    if unsigned.max() <= mask or np.array_equal(unsigned, _within(signed, array.dtype.itemsize)):
        return signed.astype(layout.wide_dtype, copy=False)
    return None


def _within(signed: PixelArray, size: int) -> PixelArray:
    """Return the low `size` bytes of each value, as an unsigned number."""
    unsigned: PixelArray = signed.view(f"u{signed.dtype.itemsize}") & ((1 << 8 * size) - 1)
    return unsigned


def _landed_dtype(layout: PixelLayout) -> np.dtype[np.integer]:
    dtype = _dtype(layout.signed, layout.bits_allocated // 8)
    return dtype.newbyteorder(">") if layout.big_endian else dtype


@cache
def _dtype(signed: bool, size: int) -> np.dtype[np.integer]:
    return np.dtype(f"<{'i' if signed else 'u'}{size}")
