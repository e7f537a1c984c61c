"""A DICOM file as de-identification reads it: its data set up to the pixels, and its bytes."""

from dataclasses import dataclass, field

from dicomlake.dicom.deidentify.dataset import Buffer, Dataset, Head, read_object
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.header.syntax import NATIVE, SYNTAX_OF
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import RefusedError

DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True, slots=True)
class WholeObject:
    """A file as read: its data set, its transfer syntax, and its bytes, inflated where the file's were deflated."""

    head: Head
    syntax: str
    big_endian: bool
    data: Buffer = field(repr=False)
    file: Buffer = field(repr=False)

    @property
    def dataset(self) -> Dataset:
        """What stands before the pixel data."""
        return self.head.dataset


def read_whole(data: Buffer, private: bool = False) -> WholeObject:
    """Read a DICOM file up to its pixels; raises NotAnInstanceError, MalformedError or RefusedError for other files."""
    opened = open_object(BufferSource(memoryview(data)))
    body: Buffer = data
    if opened.inflated:
        body = bytes(opened.window.source.read(0, opened.window.size))
    if opened.meta.sop_class == DIRECTORY:
        raise RefusedError("a DICOMDIR lists files by what identifies them: give the files it names")
    encoding = opened.encoding
    head = read_object(body, opened.start, encoding.explicit, encoding.big_endian, private)
    syntax = opened.meta.transfer_syntax
    if opened.inflated or not syntax or (syntax in NATIVE and NATIVE[syntax] != encoding):
        syntax = SYNTAX_OF[encoding]
    return WholeObject(head, syntax, encoding.big_endian, body, data)
