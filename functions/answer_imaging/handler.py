"""Answer the HealthImaging API."""

from dicomlake import entry

handler = entry.answer_imaging()
