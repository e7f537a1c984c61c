"""Looks whether a study's generation settles now."""

from dicomlake import entry

handler = entry.settle_study()
