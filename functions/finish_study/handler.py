"""Ends a study's generation and publishes StudyReady."""

from dicomlake import entry

handler = entry.finish_study()
