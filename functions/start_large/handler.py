"""Starts the large-object machine, once per landed object version."""

from dicomlake import entry

handler = entry.start_large()
