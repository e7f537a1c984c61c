"""Access keys of the HealthImaging API's clients: operators issue, list and revoke them."""

import re
from typing import Any

from dicomlake.domain.access_key import AccessKey
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.model import DatastoreId
from dicomlake.usecases.manage_access_keys import issue_access_key, revoke_access_key
from dicomlake.web.call import Call
from dicomlake.web.response import Response, json_response

_NAME = re.compile(r"[\w .@/+-]{1,128}\Z")
ALL = "all"
"""Names every data store where a key is asked for."""


def get_keys(call: Call) -> Response:
    """List every key; secrets are in no list."""
    return json_response({"keys": [_document(key) for key in call.services.access_keys.access_keys()]})


def post_keys(call: Call) -> Response:
    """Issue a key for one data store, or for all; its secret is in this answer only."""
    body, services = call.request.json(), call.services
    name, datastore, read_only = body.get("name"), body.get("datastore"), body.get("readOnly", False)
    if not isinstance(name, str) or not _NAME.match(name) or not isinstance(read_only, bool):
        raise InvalidRequestError(
            "a key is asked for by {name, datastore, readOnly}: who it is for, in 1 to 128 letters"
        )
    if not isinstance(datastore, str) or (datastore != ALL and datastore not in services.stores):
        raise InvalidRequestError(f"the datastore is the id of a data store of this lake, or {ALL}")
    issued = issue_access_key(
        name,
        DatastoreId("" if datastore == ALL else datastore),
        read_only,
        call.request.caller,
        services.access_keys,
        services.secret.lake_secret(),
        services.clock,
        services.ids,
    )
    return json_response({**_document(issued.key), "secretAccessKey": issued.secret_access_key}, 201)


def delete_key(call: Call) -> Response:
    """Revoke a key: from now on it opens nothing."""
    return json_response(_document(revoke_access_key(call.path["key"], call.services.access_keys, call.services.clock)))


def _document(key: AccessKey) -> dict[str, Any]:
    return {
        "accessKeyId": key.access_key_id,
        "name": key.name,
        "datastore": key.datastore or ALL,
        "readOnly": key.read_only,
        "createdAt": key.created_at,
        "createdBy": key.created_by,
        "revokedAt": key.revoked_at or None,
    }
