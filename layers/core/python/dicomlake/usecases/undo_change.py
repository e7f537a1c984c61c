"""Take back a change of a study: undoing is a change too, and has its own number."""

from dataclasses import replace

from dicomlake.domain.change import ChangeKind
from dicomlake.domain.errors import InvalidRequestError, NotFoundError
from dicomlake.domain.model import StudyUid
from dicomlake.usecases.change_study import Changed, ChangePorts, make_change
from dicomlake.usecases.correct_metadata import revert_metadata
from dicomlake.usecases.delete_instances import Author, new_change


def undo_change(study_uid: StudyUid, number: int, author: Author, ports: ChangePorts) -> Changed:
    """Show again what the deletion of this number hid, but for what was purged or sent again since; or take back a
    correction, with those of the same study, series or instance behind it.

    Raises NotFoundError where the study has no such change, InvalidRequestError where it cannot be taken back.
    """
    history = ports.store.changes.history(study_uid)
    undone = next((one for one in history if one.number == number), None)
    if undone is None:
        raise NotFoundError("the study has no change of this number")
    if undone.kind is ChangeKind.CORRECT:
        return revert_metadata(undone.scope, number - 1, None, author, ports)
    if undone.kind is not ChangeKind.DELETE:
        raise InvalidRequestError("this takes back deletions and corrections")
    wanted = replace(new_change(ChangeKind.UNDELETE, undone.scope, author, ports), target=number)
    return make_change(wanted, ports)
