"""Answers STOW-RS: stores the instances in a request's body before it is answered."""

from dicomlake import entry

handler = entry.store_instances()
