"""What a function or task is told by its environment; read once per process, in entry.py."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from dicomlake.domain.model import DatastoreId
from dicomlake.domain.study import SettlePolicy

PREFIX = "DICOMLAKE_"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """One data store: its name, its index table and its bucket of packs.

    A store that is not `cleared` holds de-identified copies that nobody has proved clean; only operators read it.
    """

    datastore_id: DatastoreId
    name: str
    table: str
    bucket: str
    cleared: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of one function; a value that this function was not given raises when it is asked for."""

    environment: str
    region: str
    stores: Mapping[DatastoreId, StoreSettings]
    values: Mapping[str, str] = field(repr=False)
    aws: Mapping[str, str] = field(repr=False, default_factory=dict)
    """What AWS tells every process of it: credentials, endpoints (AWS_*)."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings; ValueError names what is missing or malformed."""
        values = {key.removeprefix(PREFIX): text for key, text in env.items() if key.startswith(PREFIX)}
        return cls(
            environment=values.get("ENVIRONMENT", ""),
            region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION", ""),
            stores=_stores(values.get("STORES", "{}")),
            values=values,
            aws={key: text for key, text in env.items() if key.startswith("AWS_")},
        )

    def text(self, name: str) -> str:
        """Return a value; ValueError names the variable that is not set."""
        if not self.values.get(name):
            raise ValueError(f"{PREFIX}{name} is not set for this function; see stacks/")
        return self.values[name]

    def integer(self, name: str) -> int:
        """Return a whole number."""
        return int(self.text(name))

    @property
    def default_store(self) -> DatastoreId:
        """The data store into which landed objects go."""
        return DatastoreId(self.text("DEFAULT_STORE"))

    @property
    def research_store(self) -> DatastoreId:
        """The data store into which de-identified copies go."""
        return DatastoreId(self.text("RESEARCH_STORE"))

    @property
    def rejects_conflicts(self) -> bool:
        """Whether other content under a SOP Instance UID that is held is refused; kept beside where nothing is said."""
        return self.values.get("CONFLICTS") == "reject"

    @property
    def keeps_code_streams(self) -> bool:
        """Whether what lands compressed without loss stays in its own transfer syntax; HTJ2K where nothing is said."""
        return self.values.get("CODE_STREAMS") == "keep"

    @property
    def settle(self) -> SettlePolicy:
        """When studies settle."""
        return SettlePolicy(float(self.text("QUIET_SECONDS")), float(self.text("SETTLE_CAP_SECONDS")))


def _stores(text: str) -> dict[DatastoreId, StoreSettings]:
    try:
        rows = json.loads(text)
        return {
            DatastoreId(key): StoreSettings(
                DatastoreId(key), row["name"], row["table"], row["bucket"], bool(row.get("cleared", True))
            )
            for key, row in rows.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"{PREFIX}STORES is not the JSON that stacks/ writes") from exc
