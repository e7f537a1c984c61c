"""The access keys that the lake issued."""

from typing import Protocol

from dicomlake.domain.access_key import AccessKey


class AccessKeys(Protocol):
    """Every access key of the lake, also the revoked ones."""

    def access_key(self, access_key_id: str) -> AccessKey | None:
        """Return a key by its id."""
        ...

    def access_keys(self) -> tuple[AccessKey, ...]:
        """Return every key, by its id."""
        ...

    def save_access_key(self, key: AccessKey) -> None:
        """Write a key, in place of the one of its id."""
        ...
