"""Lists the series of a settling study for its machine."""

from dicomlake import entry

handler = entry.plan_study()
