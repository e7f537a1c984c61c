"""Answers requests that delete, correct or hold what is stored, of every data store."""

from dicomlake import entry

handler = entry.answer_changes()
