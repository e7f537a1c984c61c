"""A multipart answer taken apart by the standard library's own parser."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.unit.web.events import body_of


def parts_of(response: dict[str, Any]) -> list[Message]:
    """Return the parts of a multipart response."""
    return parsed(response["headers"]["content-type"], body_of(response))


def parsed(content_type: str, body: bytes) -> list[Message]:
    """Return the parts of a multipart body."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert message.is_multipart(), content_type
    assert not message.defects
    return list(message.iter_parts())  # type: ignore[attr-defined]


def content(part: Message) -> bytes:
    """Return a part's bytes."""
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found
