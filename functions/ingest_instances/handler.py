"""Decides landed objects: stored, duplicate or quarantined."""

from dicomlake import entry

handler = entry.ingest_instances()
