"""Structured reports and key object selections as documents that are read: HTML and plain text."""
