"""Frames over WADO-RS (PS3.18 10.4): as stored, out of the multipart answer."""

from email.parser import BytesParser
from email.policy import HTTP

from dicomlake.client.failure import LakeClientError
from dicomlake.client.http import refusal
from dicomlake.client.lake import LakeClient
from dicomlake.domain.model import InstanceKey


def fetch_frame(lake: LakeClient, key: InstanceKey, number: int) -> bytes:
    """Return the stored bytes of a frame, numbered from 1. Raises LakeClientError where the lake does not give it."""
    place = f"studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}/frames/{number}"
    accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    answer = lake.retrieve(place, accept)
    if answer.status != 200:
        raise LakeClientError(refusal(answer))
    return parts_of(answer.headers.get("Content-Type", ""), answer.data)[0]


def parts_of(content_type: str, body: bytes) -> list[bytes]:
    """Return the parts of a multipart body (RFC 2046 5.1), bytes untouched."""
    header = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode())
    boundary = header.get_boundary()
    if not boundary:
        return [body]
    pieces = body.split(b"--" + boundary.encode())
    return [piece.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for piece in pieces[1:-1]]
