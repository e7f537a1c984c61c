"""Answers uploads, jobs, quarantine, change feed and statistics."""

from dicomlake import entry

handler = entry.answer_operations()
