"""Find ready studies that were never copied into the de-identified store, and have them copied: a StudyReady was lost.

Nothing confirms a StudyReady, but what it leads to does: every instance of a study has a row in the target's ledger,
also where it was refused. The change feed lists what was stored, so each change is looked at once, half a day later.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from itertools import takewhile

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.events import DeidentifyStudy
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId, StudyUid, Visibility
from dicomlake.domain.study import StudyState, parse_time
from dicomlake.ports import Clock, Datastore, WorkQueue, all_instances
from dicomlake.usecases.copy_names import copy_key

GRACE = timedelta(hours=12)
"""Longer than the Standard machine runs, and than all deliveries of a copy take."""

CHANGES_A_PAGE = 1000

NEWEST = 100
"""Instances of a study that are looked for, those stored last: one batched read. A generation that nobody copied lacks
them; one that a later generation followed was copied with it."""

CURSOR = "sweeps/copies.json"


@dataclass(frozen=True, slots=True)
class CopyPorts:
    """The identified store, the one with its copies, and where copies are ordered."""

    source_id: DatastoreId
    source: Datastore
    target_id: DatastoreId
    target: Datastore
    queue: WorkQueue
    secret: LakeSecret
    clock: Clock


def sweep_copies(ports: CopyPorts, out_of_time: Callable[[], bool]) -> int:
    """Go through the changes since the last sweep; return how many studies are sent to be copied again."""
    after, found, due = _cursor(ports.source), 0, ports.clock.now() - GRACE
    while True:
        read = ports.source.feed.read(after, CHANGES_A_PAGE)
        changes = list(takewhile(lambda one: parse_time(one.row.at) < due, read))
        stored = {one.row.study_uid for one in changes if one.row.study_uid and one.row.counts.instances > 0}
        lost = [command for study_uid in sorted(stored) if (command := _uncopied(study_uid, ports))]
        if lost:
            ports.queue.send(lost)
        found += len(lost)
        if changes:
            after = changes[-1].number
            ports.source.objects.put(CURSOR, json.dumps({"after": after}).encode(), "application/json")
        if len(changes) < CHANGES_A_PAGE or out_of_time():
            return found


def _uncopied(study_uid: StudyUid, ports: CopyPorts) -> DeidentifyStudy | None:
    """The command that copies a study whose newest instances the target does not account for; None where it does."""
    study = ports.source.studies.study(study_uid)
    if study is None or study.state is not StudyState.READY:
        return None
    records = all_instances(ports.source.instances, study_uid, None)
    visible = (record for record in records if record.visibility is Visibility.PRIMARY)
    newest = nlargest(NEWEST, visible, key=lambda record: record.stored_at)
    keys = [copy_key(record, ports.secret, ports.target_id) for record in newest]
    if len(ports.target.ledger.entries(keys)) == len(keys):
        return None
    return DeidentifyStudy(ports.source_id, study_uid, study.generation)


def _cursor(source: Datastore) -> int:
    """Where the last sweep stopped; the beginning where the feed is shorter, because the index was rebuilt."""
    try:
        after = int(json.loads(bytes(source.objects.get(CURSOR)))["after"])
    except NotFoundError:
        return 0
    return after if after <= source.feed.head().number else 0
