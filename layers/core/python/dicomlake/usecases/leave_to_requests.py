"""What came inside a request is that request's to decide: its event changes nothing, or comes again a minute later."""

from collections.abc import Sequence
from dataclasses import dataclass

from dicomlake.domain.ids import LakeSecret, ledger_key
from dicomlake.domain.ledger import LedgerEntry, is_decided
from dicomlake.domain.routing import IN_REQUESTS, REQUEST_TIME, Received, is_in_a_request
from dicomlake.ports import Clock, Datastore, WorkQueue


@dataclass(frozen=True, slots=True)
class Sorted:
    """Fact: what is left to decide here, what requests decided, and how many they may still be deciding."""

    left: tuple[Received, ...]
    decided: tuple[LedgerEntry, ...] = ()
    waiting: int = 0


def leave_to_requests(
    received: Sequence[Received], store: Datastore, secret: LakeSecret, clock: Clock, again: WorkQueue
) -> Sorted:
    """Sort out what requests decided, or may still be deciding: that goes back to the queue for a minute.

    The request has the bytes in hand and its sender waits for it; storing them here too would only cost.
    """
    theirs = {
        ledger_key(secret, item.command.landed): item.command
        for item in received
        if item.command.landed.key.startswith(IN_REQUESTS)
    }
    if not theirs:
        return Sorted(tuple(received))
    entries, now = store.ledger.entries(list(theirs)), clock.now()
    decided = {key: entry for key, entry in entries.items() if is_decided(entry)}
    waiting = [command for key, command in theirs.items() if key not in decided and is_in_a_request(command, now)]
    if waiting:
        again.send(waiting, int(REQUEST_TIME.total_seconds()))
    gone = {command.landed for key, command in theirs.items() if key in decided} | {one.landed for one in waiting}
    left = tuple(item for item in received if item.command.landed not in gone)
    return Sorted(left, tuple(decided.values()), len(waiting))
