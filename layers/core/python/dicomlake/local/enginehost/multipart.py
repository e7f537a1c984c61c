"""Multipart uploads whose parts are files: the engine holds them in memory, hashes them again and joins them there.

A part goes to disk when it comes, a copied one is a link to what it was copied from, and an object that is made of one
part is that part's file under another name.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement

from .bodies import FileSlice, join
from .whole_checksums import whole_crc32c

Answer = tuple[int, dict[str, str], Any]
Record = dict[str, Any]
Parts = list[tuple[int, Record]]


class MultipartFiles:
    """Takes the place of the engine's operations on parts; what it does not do itself, the engine still does."""

    def __init__(self, engine_s3: Any, folder: Path, in_place: Callable[[], AbstractContextManager[None]]) -> None:
        self._s3 = engine_s3
        self._folder = folder
        self._in_place = in_place
        self._upload: Callable[..., Answer] = engine_s3._upload_part
        self._copy: Callable[..., Answer] = engine_s3._upload_part_copy
        self._abort: Callable[..., Answer] = engine_s3._abort_multipart_upload
        self._complete: Callable[..., Answer] = engine_s3._complete_multipart_upload

    def upload_part(self, bucket_name: str, key: str, body: bytes, query: Any, headers: Any) -> Answer:
        """Take the place of `_upload_part`."""
        answer = self._upload(bucket_name, key, body, query, headers)
        if answer[0] == 200:
            part = self._part(query)
            part["body"] = self._written(query, part["body"])
        return answer

    def copy_part(self, bucket_name: str, key: str, query: Any, headers: Any) -> Answer:
        """Take the place of `_upload_part_copy`: nothing is read."""
        with self._in_place():
            answer = self._copy(bucket_name, key, query, headers)
            if answer[0] == 200:
                part = self._part(query)
                part["body"] = self._pinned(query, part["body"])
        return answer

    def abort(self, bucket_name: str, key: str, query: Any) -> Answer:
        """Take the place of `_abort_multipart_upload`."""
        answer = self._abort(bucket_name, key, query)
        if answer[0] == 204:
            self._forget(_id(query))
        return answer

    def complete(self, bucket_name: str, key: str, body: bytes, query: Any, headers: Any = None) -> Answer:
        """Take the place of `_complete_multipart_upload`; a refusal, or an answer given before, is the engine's own."""
        upload = self._s3._multipart_uploads.get(_id(query))
        known = upload is not None and not self._refuses(upload, bucket_name, key, headers or {})
        parts = _chosen(self._s3, upload, body) if known else None
        checksums = self._checksums(upload, parts, headers or {}) if parts else None
        if not parts or checksums is None:
            return self._complete(bucket_name, key, body, query, headers)
        made = self._made(_id(query), upload, parts, checksums)
        answer = self._answer(bucket_name, key, made, self._stored(bucket_name, key, made), headers or {})
        del self._s3._multipart_uploads[_id(query)]
        self._s3._completed_multipart_uploads[_id(query)] = {"key": key, "response": answer}
        self._forget(_id(query))
        return answer

    def _refuses(self, upload: Record, bucket_name: str, key: str, headers: Any) -> bool:
        """Say whether the engine has an answer of its own, or work that this host does not do."""
        bucket = self._s3._ensure_bucket(bucket_name)
        return bool(
            bucket is None
            or (upload["bucket"], upload["key"]) != (bucket_name, key)
            or bucket_name in self._s3._bucket_replication
            or "x-amz-mp-object-size" in headers
            or self._s3._check_sse_c_part(headers, upload)
            or self._s3._check_put_preconditions(headers, bucket["objects"].get(key))
        )

    def _checksums(self, upload: Record, parts: Parts, headers: Any) -> dict[str, str] | None:
        """Return the object's checksum, if it has one: of the whole where the request says so, else over the parts'.

        None where the request names another.
        """
        algorithm = upload["checksum_algorithm"]
        if not algorithm:
            return {}
        if algorithm == "CRC32C" and headers.get("x-amz-checksum-type") == "FULL_OBJECT":
            whole = whole_crc32c((part["checksums"][algorithm], part["size"]) for _, part in parts)
            return {algorithm: whole} if headers.get("x-amz-checksum-crc32c", whole) == whole else None
        composite = self._s3._composite_checksum(algorithm, [part["checksums"].get(algorithm) for _, part in parts])
        if headers.get(f"x-amz-checksum-{algorithm.lower()}", composite) != composite:
            return None
        return {algorithm: composite} if composite else {}

    def _made(self, upload_id: str, upload: Record, parts: Parts, checksums: dict[str, str]) -> Record:
        """Return the record of the object, whose body is the joined file."""
        tags = b"".join(bytes.fromhex(part["etag"].strip('"')) for _, part in parts)
        body = self._joined(upload_id, [part["body"] for _, part in parts])
        return {
            "body": body,
            "content_type": upload["content_type"],
            "content_encoding": upload["content_encoding"],
            "etag": f'"{hashlib.md5(tags, usedforsecurity=False).hexdigest()}-{len(parts)}"',
            "last_modified": self._s3.now_iso(),
            "size": len(body),
            "metadata": upload["metadata"],
            "preserved_headers": upload["preserved_headers"],
            "storage_class": upload["storage_class"] or "STANDARD",
            "parts": [{"PartNumber": number, "Size": part["size"]} for number, part in parts],
            "checksums": checksums,
            "checksum_type": _type_of(checksums),
        }

    def _stored(self, bucket_name: str, key: str, made: Record) -> str | None:
        """Make the record the current object; return its versionId."""
        objects = self._s3._ensure_bucket(bucket_name)["objects"]
        before, objects[key] = objects.get(key), made
        version: str | None = self._s3._record_object_version(bucket_name, key, before, made, None)
        event = "s3:ObjectCreated:CompleteMultipartUpload"
        self._s3._fire_s3_event_async(bucket_name, key, event, size=made["size"], etag=made["etag"], version_id=version)
        self._s3._persist_object(bucket_name, key, made)
        return version

    def _answer(self, bucket_name: str, key: str, made: Record, version: str | None, headers: Any) -> Answer:
        root = Element("CompleteMultipartUploadResult", xmlns=self._s3.S3_NS)
        told = {
            "Location": f"{headers.get('x-forwarded-proto') or 'http'}://{headers.get('host', '')}/{bucket_name}/{key}",
            "Bucket": bucket_name,
            "Key": key,
            "ETag": made["etag"],
            **{f"Checksum{algorithm}": value for algorithm, value in made["checksums"].items()},
            **({"ChecksumType": made["checksum_type"]} if made["checksums"] else {}),
        }
        for name, value in told.items():
            SubElement(root, name).text = value
        versioned = {"x-amz-version-id": version} if version else {}
        kept = self._s3._stored_sse_headers(made)
        return 200, {"Content-Type": "application/xml", **kept, **versioned}, self._s3._xml_body(root)

    def _part(self, query: Any) -> Record:
        part: Record = self._s3._multipart_uploads[_id(query)]["parts"][int(query["partNumber"][0])]
        part.setdefault("checksums", {})
        return part

    def _place(self, upload_id: str, kind: str) -> Path:
        folder = self._folder / upload_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid.uuid4().hex}.{kind}"

    def _written(self, query: Any, body: bytes | FileSlice) -> FileSlice:
        place = self._place(_id(query), "part")
        place.write_bytes(body)
        return FileSlice(str(place), 0, len(body))

    def _pinned(self, query: Any, body: FileSlice) -> FileSlice:
        """Hold on to bytes of another object, which may be replaced or deleted before the upload is complete."""
        place = self._place(_id(query), "link")
        with contextlib.suppress(OSError):
            os.link(body.path, place)
            return FileSlice(str(place), body.offset, body.length)
        return self._written(query, body)

    def _joined(self, upload_id: str, bodies: Sequence[FileSlice]) -> FileSlice:
        if not bodies[0].path.endswith(".part"):
            empty = self._place(upload_id, "part")
            empty.touch()
            bodies = [FileSlice(str(empty), 0, 0), *bodies]
        join(bodies)
        return FileSlice(bodies[0].path, 0, sum(map(len, bodies)))

    def _forget(self, upload_id: str) -> None:
        shutil.rmtree(self._folder / upload_id, ignore_errors=True)


def _type_of(checksums: dict[str, str]) -> str | None:
    """Say what a checksum is of: one over the parts' has their number behind it."""
    if not checksums:
        return None
    return "COMPOSITE" if any("-" in value for value in checksums.values()) else "FULL_OBJECT"


def _id(query: Any) -> str:
    return str(query["uploadId"][0])


def _chosen(engine_s3: Any, upload: Record, body: bytes) -> Parts | None:
    """Return the parts that a request names, in order; None where one is not as it says."""
    try:
        root = engine_s3.fromstring(body)
    except ParseError:
        return None
    named = [{_local(child): child.text or "" for child in item} for item in root.iter() if _local(item) == "Part"]
    parts = {int(one["PartNumber"]): upload["parts"].get(int(one["PartNumber"])) for one in named}
    fits = all(_is(parts[int(one["PartNumber"])], one) for one in named)
    return sorted(parts.items()) if fits else None


def _is(part: Record | None, named: dict[str, str]) -> bool:
    if part is None or named.get("ETag", str(part["etag"])).strip('"') != part["etag"].strip('"'):
        return False
    checksums = {name.removeprefix("Checksum"): value for name, value in named.items() if name.startswith("Checksum")}
    return all(part["checksums"].get(name.upper()) == value for name, value in checksums.items() if value)


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]
