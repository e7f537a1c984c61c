"""Write DICOM JSON as the Native DICOM Model (PS3.19 A.1): XML, one document a data set."""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from dicomlake.dicom.dictionary.lookup import keyword_of
from dicomlake.domain.model import JsonObject, JsonValue

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ROOT = '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">'
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_native_model(dataset: JsonObject) -> bytes:
    """Return a data set as a document of the Native DICOM Model.

    What XML 1.0 cannot hold (control characters but tab, line feed and carriage return) becomes U+FFFD.
    """
    return f"{_HEAD}{_ROOT}{''.join(_attributes(dataset))}</NativeDicomModel>".encode()


def _attributes(dataset: JsonObject) -> Iterator[str]:
    for tag, element in dataset.items():
        if isinstance(element, dict):
            yield f"<DicomAttribute{_names(tag, element, dataset)}>{''.join(_content(element))}</DicomAttribute>"


def _names(tag: str, element: JsonObject, dataset: JsonObject) -> str:
    creator, keyword = _creator(tag, dataset), keyword_of(tag) or ""
    names = {"tag": tag, "vr": str(element.get("vr", "UN")), "keyword": keyword, "privateCreator": creator}
    return "".join(f" {name}={quoteattr(_clean(text))}" for name, text in names.items() if text)


def _creator(tag: str, dataset: JsonObject) -> str:
    """The private creator of an element of an odd group (PS3.5 7.8.1)."""
    block = dataset.get(f"{tag[:4]}00{tag[4:6]}") if int(tag[3], 16) % 2 and tag[4:6] != "00" else None
    values = block.get("Value") if isinstance(block, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


def _content(element: JsonObject) -> Iterator[str]:
    if "BulkDataURI" in element:
        yield f"<BulkData uri={quoteattr(_clean(str(element['BulkDataURI'])))}/>"
    if "InlineBinary" in element:
        yield f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
    values = element.get("Value")
    for number, value in enumerate(values if isinstance(values, list) else [], start=1):
        if element.get("vr") == "SQ":
            yield f'<Item number="{number}">{"".join(_attributes(value)) if isinstance(value, dict) else ""}</Item>'
        elif isinstance(value, dict):
            yield f'<PersonName number="{number}">{"".join(_name(value))}</PersonName>'
        elif value is not None:
            yield f'<Value number="{number}">{_text(value)}</Value>'


def _name(value: JsonObject) -> Iterator[str]:
    for group in _GROUPS:
        if text := str(value.get(group) or ""):
            parts = zip(_COMPONENTS, text.split("^"), strict=False)
            yield f"<{group}>{''.join(f'<{name}>{_text(part)}</{name}>' for name, part in parts if part)}</{group}>"


def _text(value: JsonValue) -> str:
    return escape(_clean(str(value)))


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
