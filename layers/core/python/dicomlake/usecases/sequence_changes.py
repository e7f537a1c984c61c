"""Number what was committed: the one place where a data store's changes get their order."""

from collections.abc import Sequence

from dicomlake.domain.commit import CommitRow
from dicomlake.ports import ChangeFeed, FeedHead


def sequence_changes(rows: Sequence[CommitRow], feed: ChangeFeed) -> FeedHead:
    """Append commit rows to the change feed in the order they came; rows numbered before keep their number."""
    return feed.append(rows)
