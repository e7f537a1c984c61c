"""Brings one series of a settling study into one pack."""

from dicomlake import entry

handler = entry.compact_series()
