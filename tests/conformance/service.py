"""A DICOMweb service by its base URL, as these tests talk to it: requests, and multipart bodies read by hand."""

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode, urljoin

import requests

from tests.conformance.made_study import MadeStudy

JSON = {"Accept": "application/dicom+json"}
PATIENCE = 60.0
"""Seconds until what was stored has to be found: a 202 says later, and not how much."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart body: its headers with small names, and its bytes."""

    headers: Mapping[str, str]
    body: bytes

    def parameter(self, name: str) -> str:
        """Return a parameter of the part's Content-Type, "" where it has none."""
        return parameter(self.headers.get("content-type", ""), name)


def query(parameters: Mapping[str, str]) -> str:
    """Write a query without percent-encoding what may stand in one as it is (RFC 3986 3.4)."""
    return urlencode(parameters, safe="/,*?", quote_via=quote)


def media_type(value: str) -> str:
    """Return the media type of a Content-Type without its parameters."""
    return value.partition(";")[0].strip().lower()


def parameter(content_type: str, name: str) -> str:
    """Return a parameter of a Content-Type without its quotes, "" where it is not there."""
    parsed = Message()
    parsed["Content-Type"] = content_type
    return str(parsed.get_param(name, ""))


def parts_of(answer: requests.Response) -> list[Part]:
    """Cut a multipart body into its parts (RFC 2046 5.1.1)."""
    assert answer.status_code == 200, f"answered {answer.status_code}"
    kind = answer.headers.get("Content-Type", "")
    assert media_type(kind) == "multipart/related", f"the answer is {kind or 'of no type'}, not multipart/related"
    boundary = parameter(kind, "boundary").encode()
    assert boundary, "the answer's Content-Type names no boundary"
    pieces = (b"\r\n" + answer.content).split(b"\r\n--" + boundary)
    assert pieces[-1].startswith(b"--"), "the multipart body has no end"
    return [part_of(piece) for piece in pieces[1:-1]]


def part_of(piece: bytes) -> Part:
    """Cut a part into its headers and its body."""
    head, _, body = piece.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").strip().splitlines())
    return Part({name.strip().lower(): value.strip() for name, _, value in lines}, body)


@dataclass(frozen=True, slots=True)
class Service:
    """What is tested."""

    base: str
    session: requests.Session

    def get(self, path: str, accept: str | None = None, **parameters: str) -> requests.Response:
        """GET a path below the base URL, or an absolute URL."""
        url = path if re.match(r"https?:", path) else f"{self.base}/{path}"
        return self.session.get(url, params=query(parameters), headers={"Accept": accept}, timeout=60)

    def find(self, path: str, **keys: str) -> list[dict[str, Any]]:
        """Search; return the results, none where there is no content."""
        answer = self.get(path, JSON["Accept"], **keys)
        assert answer.status_code in (200, 204), (answer.status_code, answer.text[:300])
        found: list[dict[str, Any]] = answer.json() if answer.content else []
        return found

    def bulk(self, uri: str, at: str, accept: str) -> requests.Response:
        """GET a BulkDataURI, which may be relative to the metadata that it stood in."""
        return self.get(urljoin(f"{self.base}/{at}", uri), accept)

    def post(self, body: bytes, kind: str, study: str = "", accept: str = JSON["Accept"]) -> requests.Response:
        """POST to studies, or to a study."""
        headers = {"Content-Type": kind, "Accept": accept}
        return self.session.post(f"{self.base}/studies{'/' if study else ''}{study}", body, headers=headers, timeout=60)

    def store(self, files: Iterable[bytes], study: str = "") -> requests.Response:
        """STOW DICOM files, a part each."""
        body, kind = multipart([("application/dicom", "", one) for one in files], "application/dicom")
        return self.post(body, kind, study)

    def holds(self, made: MadeStudy, number: int, seconds: float = PATIENCE) -> bool:
        """Wait until so many instances of a study are found; say whether they were."""
        deadline = time.monotonic() + seconds
        while len(self.find(f"studies/{made.study}/instances")) != number:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True


def multipart(parts: Iterable[tuple[str, str, bytes]], root: str) -> tuple[bytes, str]:
    """Return a multipart/related body of (type, location, bytes), and its Content-Type."""
    boundary = secrets.token_hex(16)
    pieces = [
        f"--{boundary}\r\nContent-Type: {kind}\r\n{f'Content-Location: {place}\r\n' if place else ''}\r\n".encode()
        + body
        + b"\r\n"
        for kind, place, body in parts
    ]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode(), f'multipart/related; type="{root}"; boundary={boundary}'


def values(item: Mapping[str, Any], tag: str) -> list[Any]:
    """Return the values of an attribute of a DICOM JSON object, none where it is absent or empty."""
    found: list[Any] = item.get(tag, {}).get("Value", [])
    return found
