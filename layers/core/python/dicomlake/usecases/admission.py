"""What keeps an instance out before it gets into a pack: who stores it, and the policy `reject` of a data store."""

from collections.abc import Callable

from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.errors import ConflictError
from dicomlake.domain.model import InstanceKey, LedgerKey, Visibility
from dicomlake.ports import InstanceIndex

Admit = Callable[[LedgerKey, ParsedInstance], None]
"""Looks at an instance before it is stored, by its row in the ledger; a PermanentError keeps it out."""


def admit_all(ledger: LedgerKey, parsed: ParsedInstance) -> None:
    """Let every instance in."""


Accept = Callable[[InstanceKey, str], None]
"""Looks at an instance before it gets into a pack, by its key and content digest; a PermanentError keeps it out."""


def accept_all(key: InstanceKey, content_digest: str) -> None:
    """Take every content, as the policy `keep-first` does: the commit keeps it beside what is held."""


def refuse_conflicts(instances: InstanceIndex) -> Accept:
    """Refuse other content under a UID that is held; the same content is a duplicate, and a deleted one is not held.

    Two of them at the same moment both find nothing held: the commit then keeps the second beside the first.
    """

    def accept(key: InstanceKey, content_digest: str) -> None:
        place = instances.locate(key.instance_uid)
        if place is None:
            return
        held = instances.instance(InstanceKey(place.study_uid, place.series_uid, place.instance_uid))
        if held is None or held.visibility is Visibility.DELETED:
            return
        if held.key != key or held.content_digest != content_digest:
            raise ConflictError("the data store refuses other content under a SOP Instance UID that it holds")

    return accept
