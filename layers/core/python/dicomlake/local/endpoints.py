"""`endpoints.json`: how a user and the tests reach a running local lake."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from dicomlake.local.datadir import write_atomically


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses and keys of a running lake; field names are the file's.

    `operatorToken`, sent as a bearer token, makes the gateway act as the operator, who alone may read the research
    data store; without it the gateway acts as a reader. `gateway` is a root of DICOMweb for
    bodies of any size. `pid` is the running lake's: a killed one leaves its file.
    """

    dicomweb: str
    imaging: str
    s3: str
    landingBucket: str  # noqa: N815 - the file's own spelling
    uploads: str
    lake: str
    console: str
    datastoreId: str  # noqa: N815
    researchDatastoreId: str  # noqa: N815
    region: str
    accessKeyId: str  # noqa: N815
    secretAccessKey: str  # noqa: N815
    operatorToken: str  # noqa: N815
    quarantineBucket: str  # noqa: N815
    pid: int
    gateway: str = ""

    def write(self, file: Path) -> None:
        """Write the file at once, readable by its owner only."""
        write_atomically(file, json.dumps(asdict(self), indent=2) + "\n", mode=0o600)

    @classmethod
    def read(cls, file: Path) -> "Endpoints":
        """Read the file of a running lake."""
        return cls(**json.loads(file.read_text()))
