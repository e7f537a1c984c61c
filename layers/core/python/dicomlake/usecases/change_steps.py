"""Which function plans the steps of which kind of change: the one table of what can be done to a study."""

from collections.abc import Mapping
from types import MappingProxyType

from dicomlake.domain.change import ChangeKind
from dicomlake.usecases.change_study import NextStep
from dicomlake.usecases.correct_metadata import next_correction, next_reversion
from dicomlake.usecases.delete_instances import next_deletion, next_undeletion
from dicomlake.usecases.hold_study import next_hold
from dicomlake.usecases.purge_instances import next_purge

STEPS: Mapping[ChangeKind, NextStep] = MappingProxyType(
    {
        ChangeKind.DELETE: next_deletion,
        ChangeKind.UNDELETE: next_undeletion,
        ChangeKind.PURGE: next_purge,
        ChangeKind.CORRECT: next_correction,
        ChangeKind.REVERT: next_reversion,
        ChangeKind.HOLD: next_hold,
        ChangeKind.RELEASE: next_hold,
    }
)
