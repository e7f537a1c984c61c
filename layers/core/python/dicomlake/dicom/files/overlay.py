"""Corrected elements laid over a head's data set, so that a file that is sent says what its metadata say."""

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicomlake.dicom.files.dataset import UNREADABLE
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import JsonObject

_UNICODE = "ISO_IR 192"


def lay_over(dataset: Dataset, shown: JsonObject, tags: Iterable[str]) -> None:
    """Give a data set the elements that DICOM JSON shows under these tags, and take away those it does not show.

    Where what is laid over is not ASCII the whole data set becomes UTF-8: the declared character set may lack it.
    Raises MalformedError where pydicom cannot build an element or decode what is there.
    """
    listed = list(tags)
    new = {tag: shown[tag] for tag in listed if tag in shown}
    try:
        laid = Dataset.from_json(new)
        if not str(new).isascii():
            dataset.decode()
            dataset.add_new("SpecificCharacterSet", "CS", _UNICODE)
    except UNREADABLE as error:
        raise MalformedError("a corrected element cannot be written") from error
    for tag in listed:
        if tag not in new and Tag(tag) in dataset:
            del dataset[Tag(tag)]
    dataset.update(laid)
