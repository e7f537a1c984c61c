"""Share a study by a link, follow such a link, revoke it."""

from datetime import datetime, timedelta

from dicomlake.domain.errors import ForbiddenError, NotFoundError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.links import StudyLink, make_link, read_token
from dicomlake.domain.model import DatastoreId, StudyUid
from dicomlake.ports import Clock, Datastore, IdSource


def share_study(
    datastore: DatastoreId, study_uid: StudyUid, good_for: timedelta, store: Datastore, clock: Clock, ids: IdSource
) -> StudyLink:
    """Give out a link to a study. Raises NotFoundError where the data store has no such study."""
    if store.studies.study(study_uid) is None:
        raise NotFoundError("no study is stored under this UID")
    link = make_link(ids.new(), datastore, study_uid, clock.now(), good_for)
    store.studies.keep_link(link.link_id, link.expires)
    return link


def follow_link(token: str, datastore: DatastoreId, secret: LakeSecret, store: Datastore, now: datetime) -> StudyLink:
    """Return what a link lets its holder read. Raises ForbiddenError where it is not ours, expired or was revoked."""
    link = read_token(token, datastore, secret, now)
    if not store.studies.is_link_kept(link.link_id, now):
        raise ForbiddenError("the study link was revoked: ask for another")
    return link


def revoke_link(link_id: str, store: Datastore) -> None:
    """Let nobody follow a link any more, from the next request on; revoking twice is no error."""
    store.studies.drop_link(link_id)
