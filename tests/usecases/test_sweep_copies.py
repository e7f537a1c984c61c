"""A ready study without its copy is found by comparing the change feed with the copies' ledger, and sent once."""

from dicomlake.adapters.memory import MemoryWorkQueue
from dicomlake.domain.events import DeidentifyStudy
from dicomlake.usecases.sweep_copies import GRACE, CopyPorts, sweep_copies
from tests.usecases.memory_lake import DATASTORE
from tests.usecases.test_deidentify_study import CLEAN, STUDY, Copying

HALF_A_DAY = GRACE.total_seconds() + 1


def swept(copying: Copying) -> list[object]:
    """What one sweep orders."""
    lake, queue = copying.lake, MemoryWorkQueue()
    ports = CopyPorts(DATASTORE, lake.store, CLEAN, copying.target, queue, lake.secret, lake.clock)
    found = sweep_copies(ports, lambda: False)
    assert found == len(queue.commands)
    return queue.commands


def test_a_study_whose_ready_event_was_lost_is_copied_half_a_day_later() -> None:
    copying = Copying()
    copying.land(3)

    at_once = swept(copying)
    copying.lake.clock.advance(HALF_A_DAY)
    later, again = swept(copying), swept(copying)

    assert (at_once, later, again) == ([], [DeidentifyStudy(DATASTORE, STUDY, 1)], [])


def test_what_was_copied_or_refused_is_not_sent_again() -> None:
    copying = Copying()
    copying.land(3)
    copying.run()
    copying.lake.clock.advance(HALF_A_DAY)

    assert swept(copying) == []


def test_a_late_generation_that_was_not_copied_is_found() -> None:
    copying = Copying()
    copying.land(3)
    copying.run()
    copying.lake.clock.advance(HALF_A_DAY)
    swept(copying)

    copying.lake.clock.advance(60)
    copying.land(1, first=9)
    copying.lake.clock.advance(HALF_A_DAY)

    assert swept(copying) == [DeidentifyStudy(DATASTORE, STUDY, 2)]


def test_a_feed_that_begins_anew_is_read_from_its_beginning() -> None:
    copying = Copying()
    copying.land(1)
    copying.lake.store.objects.put("sweeps/copies.json", b'{"after": 99}')
    copying.lake.clock.advance(HALF_A_DAY)

    assert swept(copying) == [DeidentifyStudy(DATASTORE, STUDY, 1)]
