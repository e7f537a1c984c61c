"""What became of a request whose answer did not wait for all of it."""

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.ids import object_hash
from dicomlake.domain.model import Outcome
from dicomlake.domain.store_response import StoreResult
from dicomlake.usecases.receive_instances import StorePorts, received_key, told_by_ledger

MAX_PARTS = 2000
"""Parts that one question looks up: each is one read of the ledger, and one of the index."""


def received_state(receipt: str, count: int, ports: StorePorts) -> tuple[StoreResult, ...]:
    """Return what became of each part of a request, in order; what is not decided yet is pending.

    Raises NotFoundError where no part of it is known, now or any more.
    """
    if not 0 < count <= MAX_PARTS:
        raise NotFoundError(f"a request of over {MAX_PARTS} parts is asked after by GET /lake/where")
    states = tuple(_state(received_key(receipt, number), ports) for number in range(count))
    if not any(state.decided for state in states) and not _is_landed(received_key(receipt, 0), ports):
        raise NotFoundError("no such request was received")
    return states


def _state(key: str, ports: StorePorts) -> StoreResult:
    store, secret = ports.ingest.store, ports.ingest.secret
    entries = store.ledger.versions(object_hash(secret, ports.landing_bucket, key))
    decided = [entry for entry in entries if entry.outcome is not Outcome.PENDING]
    return told_by_ledger(decided[-1], store) if decided else StoreResult(Outcome.PENDING)


def _is_landed(key: str, ports: StorePorts) -> bool:
    try:
        ports.ingest.landing.info(key)
    except NotFoundError:
        return False
    return True
