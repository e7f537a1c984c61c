"""Which function answers which path: what callers sign for, and what is open to whoever holds a study link."""

from collections.abc import Iterator

from aws_cdk.aws_apigatewayv2 import HttpMethod

from stacks import changing, storing
from stacks.constructs.lake_store import LakeStore

Row = tuple[str, list[HttpMethod], str]
"""A path, its methods, and the name of the function behind it."""

UPLOADS = ("/uploads", "/uploads/resume", "/uploads/complete")
PIXELS = (
    "wado",
    "studies/{study}",
    "studies/{study}/rendered",
    "studies/{study}/thumbnail",
    "studies/{study}/series/{series}",
    "studies/{study}/series/{series}/rendered",
    "studies/{study}/series/{series}/thumbnail",
    "studies/{study}/series/{series}/instances/{instance}",
    "studies/{study}/series/{series}/instances/{instance}/{proxy+}",
)
"""What the functions answer that open data sets and frames; the rest of DICOMweb is look-ups, which start faster."""

OPEN_BECAUSE = (
    "OPTIONS tells what the API is, never what it holds; a study link's token is checked by the function, which "
    "refuses what is not signed, has expired or was revoked."
)

_ANY, _GET, _OPTIONS = [HttpMethod.ANY], [HttpMethod.GET], [HttpMethod.OPTIONS]


def known_routes(stores: dict[str, LakeStore]) -> Iterator[Row]:
    """Yield the routes that ask who calls; `stores` are the data stores by the name of the function of each."""
    for name, store in stores.items():
        root = f"/dicomweb/{store.datastore_id}"
        yield f"{root}/{{proxy+}}", _ANY, name
        yield from ((f"{root}/{path}", _GET, f"{name}Pixels") for path in PIXELS)
    clinical = f"/dicomweb/{stores['AnswerClinical'].datastore_id}"
    yield from ((f"{clinical}/{path}", [HttpMethod(method)], "StoreInstances") for method, path in storing.ROUTES)
    for store in stores.values():
        yield f"/dicomweb/{store.datastore_id}/studies/{{proxy+}}", changing.METHODS, "AnswerChanges"
    yield changing.OPERATIONS, _ANY, "AnswerChanges"
    for path in (*UPLOADS, "/lake/{proxy+}"):
        yield path, _ANY, "AnswerOperations"
    yield "/openapi.json", _GET, "AnswerOperations"


def open_routes(stores: dict[str, LakeStore]) -> Iterator[Row]:
    """Yield the routes that the gateway lets anybody call; OPEN_BECAUSE says why."""
    for name, store in stores.items():
        root, links = f"/dicomweb/{store.datastore_id}", f"/links/{store.datastore_id}/{{token}}"
        yield root, _OPTIONS, name
        yield f"{root}/{{proxy+}}", _OPTIONS, name
        yield f"{links}/{{proxy+}}", [*_GET, HttpMethod.HEAD, *_OPTIONS], name
        yield from ((f"{links}/{path}", _GET, f"{name}Pixels") for path in PIXELS)
