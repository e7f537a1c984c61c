"""Writes the de-identified copy of a study that is ready."""

from dicomlake import entry

handler = entry.deidentify_study()
