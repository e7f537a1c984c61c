"""Who may call an operation of the HealthImaging API: the access key that signed it, for its data store."""

from urllib.parse import quote

from dicomlake.domain.access_key import AccessKey
from dicomlake.domain.errors import ForbiddenError
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.signature import UNRESERVED
from dicomlake.usecases.authenticate_client import SentRequest, authenticate_client
from dicomlake.web.authorize import OPERATOR, Permission, authorize, is_operator
from dicomlake.web.call import Call
from dicomlake.web.imaging_arguments import Arguments, read_arguments
from dicomlake.web.imaging_call import ImagingCall
from dicomlake.web.imaging_model_table import OPERATIONS


def admitted(call: Call, operation: str, *, changes: bool) -> ImagingCall:
    """Return the call with its arguments. Raises ForbiddenError, and InvalidRequestError only to who has a key."""
    services = call.services
    key = _of_principal(call) if call.request.caller else _of_signature(call, operation)
    if changes and key.read_only:
        raise ForbiddenError(f"the access key is read-only: {operation} needs one that is not")
    arguments = read_arguments(operation, call.path, call.request)
    _check_datastore(key, arguments)
    return ImagingCall(operation, arguments, key, call.request, services)


def _of_signature(call: Call, operation: str) -> AccessKey:
    services = call.services
    return authenticate_client(
        sent_request(call, OPERATIONS[operation][1]),
        services.access_keys,
        services.secret.lake_secret(),
        services.region,
        services.clock.now(),
    )


def _of_principal(call: Call) -> AccessKey:
    """What a caller may do that the gateway authenticated (by IAM or a bearer token): operators all,
    others read the default data store where they may read it by DICOMweb."""
    request, services = call.request, call.services
    caller, grants = request.caller, request.grants
    if is_operator(caller, services.operators) if grants is None else OPERATOR in grants:
        return AccessKey(caller, caller, DatastoreId(""), created_at="")
    authorize(request, Permission.READ, services.store(""), services.operators)
    return AccessKey(caller, caller, services.default_store, created_at="", read_only=True)


def _check_datastore(key: AccessKey, arguments: Arguments) -> None:
    """A data store that is not the key's is refused whether there is one or not."""
    named = arguments.get("datastoreId") or datastore_of(arguments.get("resourceArn", ""))
    if named and not key.opens(named):
        raise ForbiddenError("the access key is not for this data store")


def datastore_of(arn: str) -> str:
    """Return the id of the data store that an ARN is of, also where it names an image set in it."""
    return arn.partition(":datastore/")[2].partition("/")[0]


def sent_request(call: Call, template: str) -> SentRequest:
    """Return the request as its signature covers it.

    API Gateway decodes the path before it shows it, so it is encoded again: as it is, and with each name of the
    template percent-encoded whole, as clients send an ARN. Clients sign the encoded path encoded once more. A proxy
    that signs nothing (the local gateway) may stand between; the host that it was called by is then the signed one.
    """
    request = call.request
    named = template
    for name, value in call.path.items():
        named = named.replace(f"{{{name}}}", quote(value, UNRESERVED))
    sent = {quote(request.raw_path, "/" + UNRESERVED), named}
    hosts = [request.headers.get("host", ""), request.headers.get("x-forwarded-host", "")]
    return SentRequest(
        method=request.method,
        paths=tuple(quote(path, "/~" + UNRESERVED) for path in sorted(sent)),
        hosts=tuple(dict.fromkeys(host for host in hosts if host)),
        query=request.query,
        headers=request.headers,
        body=request.body,
    )
