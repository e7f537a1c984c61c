"""One pass from an object's bytes to its head and its DICOM JSON view."""

from dicomlake.dicom.instance import BulkValue, ParsedInstance, PixelAttributes, PixelElement
from dicomlake.dicom.source import BufferSource, ByteSource

__all__ = ["BufferSource", "BulkValue", "ByteSource", "ParsedInstance", "PixelAttributes", "PixelElement"]
