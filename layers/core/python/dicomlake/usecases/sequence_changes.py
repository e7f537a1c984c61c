"""Number what was committed: the one place where a data store's changes get their order."""

from collections.abc import Sequence

from dicomlake.domain.commit import CommitRow
from dicomlake.ports import ChangeFeed, FeedHead

ROWS_AN_APPEND = 30


def sequence_changes(rows: Sequence[CommitRow], feed: ChangeFeed) -> FeedHead:
    """Append commit rows to the change feed in the order they came; rows numbered before keep their number."""
    head = None
    for start in range(0, len(rows), ROWS_AN_APPEND):
        head = feed.append(rows[start : start + ROWS_AN_APPEND])
    return head or feed.head()
