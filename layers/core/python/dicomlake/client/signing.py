"""Who asks: the operator of a local lake by its token, a principal of AWS by SigV4 signature (IAM authorizer)."""

from collections.abc import Callable, Mapping

from dicomlake.client.failure import LakeClientError
from dicomlake.local.endpoints import Endpoints

Sign = Callable[[str, str, bytes | None, Mapping[str, str]], dict[str, str]]
"""Return the headers of a request with those that say who asks: `sign(method, url, body, headers)`."""


def signer(endpoints: Endpoints) -> Sign:
    """Return how requests to this lake are signed."""
    if endpoints.operatorToken:
        token = {"Authorization": f"Bearer {endpoints.operatorToken}"}
        return lambda _method, _url, _body, headers: {**headers, **token}
    return _aws_signer(endpoints.region)


def _aws_signer(region: str) -> Sign:
    # Half of what starting a command costs, and a local lake never needs it.
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.session import Session

    credentials = Session().get_credentials()
    if credentials is None:
        raise LakeClientError(
            "There are no AWS credentials: sign in as the operator role, e.g. with AWS_PROFILE, and run it again."
        )

    def sign(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, str]:
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        SigV4Auth(credentials, "execute-api", region).add_auth(request)
        return dict(request.headers.items())

    return sign
