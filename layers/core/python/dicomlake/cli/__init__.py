"""`dicomlake`: run a lake, put studies into it, look them up, get them back, and see what it costs."""

from dicomlake.cli.commands import main

__all__ = ["main"]
