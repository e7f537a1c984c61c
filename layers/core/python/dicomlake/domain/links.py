"""Study links: a URL that lets whoever holds it read one study until it expires or is revoked."""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dicomlake.domain.errors import ForbiddenError, InvalidRequestError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId, StudyUid, is_uid

LONGEST = timedelta(days=30)
"""What a link is good for at most."""

_TOKEN = re.compile(r"([0-9a-f]{32})-([0-9]{10})-([0-9.]{1,64})-([0-9a-f]{64})\Z")
_PURPOSE = "study-link"


@dataclass(frozen=True, slots=True)
class StudyLink:
    """What a link lets its holder read, and until when (aware, whole seconds); `link_id` is 32 hex digits."""

    link_id: str
    datastore: DatastoreId
    study_uid: StudyUid
    expires: datetime


def make_link(
    link_id: str, datastore: DatastoreId, study_uid: StudyUid, now: datetime, good_for: timedelta
) -> StudyLink:
    """Return a link that is good from now on. Raises InvalidRequestError for under a minute or over 30 days."""
    if not timedelta(minutes=1) <= good_for <= LONGEST:
        raise InvalidRequestError(f"a link is good for 60 to {int(LONGEST.total_seconds())} seconds")
    return StudyLink(link_id, datastore, study_uid, (now + good_for).replace(microsecond=0))


def write_token(link: StudyLink, secret: LakeSecret) -> str:
    """Return the text that stands for a link in URLs: what it says, and an HMAC-SHA-256 over that."""
    return f"{_said(link)}-{_mac(link, secret)}"


def read_token(token: str, datastore: DatastoreId, secret: LakeSecret, now: datetime) -> StudyLink:
    """Return what a token says. Raises ForbiddenError where we did not write it for this data store, or it expired.

    Whether the link was revoked is not in it: the index tells.
    """
    match = _TOKEN.match(token)
    if match is None or not is_uid(match[3]):
        raise ForbiddenError("this is no study link: it may have been cut")
    link = StudyLink(match[1], datastore, StudyUid(match[3]), datetime.fromtimestamp(int(match[2]), UTC))
    if not hmac.compare_digest(match[4], _mac(link, secret)):
        raise ForbiddenError("this is no study link of this data store: it may have been changed")
    if link.expires <= now:
        raise ForbiddenError("the study link has expired: ask for another")
    return link


def _said(link: StudyLink) -> str:
    return f"{link.link_id}-{int(link.expires.timestamp())}-{link.study_uid}"


def _mac(link: StudyLink, secret: LakeSecret) -> str:
    message = f"{link.datastore}\n{_said(link)}".encode()
    return hmac.digest(secret.derive(_PURPOSE), message, "sha256").hex()
