"""Put a study under a legal hold, or release it: while it is held, nothing of it can be deleted or purged."""

from dicomlake.domain.change import ChangeKind, Scope, StudyChange, is_held
from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.model import StudyUid
from dicomlake.ports import ChangeStep
from dicomlake.usecases.change_study import Changed, ChangePorts, commit_row, ended, make_change
from dicomlake.usecases.delete_instances import Author, new_change


def set_hold(study_uid: StudyUid, held: bool, author: Author, ports: ChangePorts) -> Changed | None:
    """Hold or release a study; None where it is so already. Raises NotFoundError where there is no study."""
    if ports.store.studies.study(study_uid) is None:
        raise NotFoundError("no study is stored under this UID")
    if is_held(ports.store.changes.history(study_uid)) == held:
        return None
    kind = ChangeKind.HOLD if held else ChangeKind.RELEASE
    return make_change(new_change(kind, Scope(study_uid), author, ports), ports)


def next_hold(change: StudyChange, ports: ChangePorts) -> ChangeStep:
    """The only step: what counts is that it stands in the history."""
    return ChangeStep(change, row=commit_row(change, ports), written=ended(change, 0, ports))
