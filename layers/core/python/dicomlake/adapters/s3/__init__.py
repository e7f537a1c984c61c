"""Buckets of S3."""

from dicomlake.adapters.s3.parts import S3ObjectWriter
from dicomlake.adapters.s3.store import S3ObjectStore

__all__ = ["S3ObjectStore", "S3ObjectWriter"]
