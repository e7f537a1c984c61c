"""Objects as they are written: a body is on disk once, named without being hashed, and checked once."""

import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .bodies import FileSlice

Record = dict[str, Any]


def entity_tag(_body: object) -> str:
    """Return a new name for what was written.

    The tag of what is encrypted under a KMS key says nothing of its bytes on S3 either; MD5 was a fifth of the engine's
    time, and SHA-256 a tenth.
    """
    return uuid.uuid4().hex


class ObjectWrites:
    """Wraps the engine's functions that write an object; `engine_s3` must keep bodies on disk (S3_PERSIST)."""

    def __init__(self, engine_s3: Any) -> None:
        self._s3 = engine_s3
        self._persist: Callable[[str, str, Any], None] = engine_s3._persist_object
        self._write: Callable[..., None] = engine_s3._atomic_write
        self._checksums: Callable[[Any, Mapping[str, str]], tuple[dict[str, str], Any]] = (
            engine_s3._resolve_object_checksums
        )

    def persist(self, bucket_name: str, key: str, record: Any) -> None:
        """Take the place of `_persist_object`: what is on disk does not stay in memory as a version as well."""
        self._persist(bucket_name, key, record)
        if not isinstance(record, dict) or record["body"] is not None:
            return
        for version in self._s3._object_versions.get((bucket_name, key)) or ():
            if version["version_id"] == record.get("version_id"):
                version["data"] = None

    def write(self, path: str, data: Any, *, text: bool = False) -> None:
        """Take the place of `_atomic_write`: a body that is a file already gets its name."""
        if isinstance(data, FileSlice):
            os.replace(data.path, path)
        else:
            self._write(path, data, text=text)

    def checksums(self, body: bytes, headers: Mapping[str, str]) -> tuple[dict[str, str], Any]:
        """Take the place of `_resolve_object_checksums`: what was told and is proved need not be computed again."""
        asked = headers.get("x-amz-sdk-checksum-algorithm", "").lower().replace("_", "")
        if f"x-amz-checksum-{asked}" in headers:
            headers = {name: value for name, value in headers.items() if name != "x-amz-sdk-checksum-algorithm"}
        return self._checksums(body, headers)
