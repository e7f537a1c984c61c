"""`python -m dicomlake.cli`: the same as the `dicomlake` command."""

import sys

from dicomlake.cli.commands import main

sys.exit(main())
