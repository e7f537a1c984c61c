"""Do the next step of import jobs."""

from dicomlake import entry

handler = entry.run_import()
