"""Quarantines objects whose processing ended its process every time."""

from dicomlake import entry

handler = entry.quarantine_crashed()
