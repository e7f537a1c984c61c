"""Folds stored instances into their studies and keeps the settle timers."""

from dicomlake import entry

handler = entry.track_study()
