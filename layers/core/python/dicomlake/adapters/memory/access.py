"""Access keys in memory."""

from dicomlake.domain.access_key import AccessKey


class MemoryAccessKeys:
    """Every access key of a lake."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKey] = {}

    def access_key(self, access_key_id: str) -> AccessKey | None:
        """Return a key by its id."""
        return self._keys.get(access_key_id)

    def access_keys(self) -> tuple[AccessKey, ...]:
        """Return every key, by its id."""
        return tuple(self._keys[name] for name in sorted(self._keys))

    def save_access_key(self, key: AccessKey) -> None:
        """Write a key, in place of the one of its id."""
        self._keys[key.access_key_id] = key
