"""An error that nobody foresaw is one object's: its neighbours are stored, it is tried again and in the end kept."""

from collections.abc import Callable
from dataclasses import replace

from dicomlake.domain.errors import PipelineError, Reason, UnexpectedError
from dicomlake.domain.routing import MAX_ATTEMPTS
from dicomlake.usecases.ingest_batch import IngestPorts
from tests.usecases.dicom_files import ct_slice
from tests.usecases.memory_lake import MemoryLake

PREPARATION, ONE_OBJECT = 1, 3


class PoisonedLake(MemoryLake):
    """A lake whose codec raises something without a name of ours, once in its first batch and always later."""

    def __init__(self, poison: int) -> None:
        super().__init__()
        self.poison = poison

    def ports(self) -> IngestPorts:
        calls = iter(range(1, 1000))

        def guard(store: Callable[[], object]) -> object:
            try:
                if next(calls) == self.poison or len(self.reports) > 0:
                    raise ZeroDivisionError("text that may hold a patient's name")
                return store()
            except PipelineError:
                raise
            except ZeroDivisionError as error:
                raise UnexpectedError(type(error).__name__) from None

        return replace(super().ports(), guard=guard)


def test_an_unforeseen_error_ends_one_object_and_no_neighbour() -> None:
    lake = PoisonedLake(ONE_OBJECT)
    for number in range(1, 7):
        lake.land(f"n{number}", ct_slice(1, 1, number))

    lake.pump(batch=6)

    head = lake.store.feed.head()
    (entry,) = lake.store.ledger.quarantined().items
    assert (head.tally.stored, head.tally.quarantined) == (5, 1)
    assert (entry.reason, entry.attempts) == (Reason.EXHAUSTED, MAX_ATTEMPTS)
    assert lake.ready[-1].instances == 5


def test_an_unforeseen_error_of_what_is_done_together_is_nobodys() -> None:
    lake = PoisonedLake(PREPARATION)
    for number in range(1, 7):
        lake.land(f"n{number}", ct_slice(1, 1, number))

    lake.pump(batch=6)

    tally = lake.store.feed.head().tally
    assert (tally.stored, tally.quarantined) == (6, 0)


def test_what_is_landed_again_after_a_declaration_was_met_is_not_called_declared() -> None:
    lake = MemoryLake()
    lake.land("n1", ct_slice(1, 1, 1))
    lake.pump()
    (uid,) = lake.store.state.studies
    lake.store.state.studies[uid] = replace(lake.store.state.studies[uid], declared=1)

    lake.land("n2", ct_slice(1, 1, 2))
    lake.pump()

    assert [ready.completeness for ready in lake.ready][-1] == "quiet"
