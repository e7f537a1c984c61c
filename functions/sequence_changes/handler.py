"""Gives committed changes their numbers in the change feed."""

from dicomlake import entry

handler = entry.sequence_changes()
