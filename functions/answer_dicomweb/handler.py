"""Answers DICOMweb requests of one data store."""

from dicomlake import entry

handler = entry.answer_dicomweb()
