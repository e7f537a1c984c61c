"""Carries on changes of studies that a request began: queue change-work."""

from dicomlake import entry

handler = entry.change_study()
