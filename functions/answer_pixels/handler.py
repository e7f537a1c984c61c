"""Answers DICOMweb requests that open data sets and frames, of one data store."""

from dicomlake import entry

handler = entry.answer_pixels()
