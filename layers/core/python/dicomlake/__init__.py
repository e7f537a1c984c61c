"""dicomlake: a serverless DICOM store; the shared code of every function, task and command."""

from typing import Any

__version__ = "0.1.0"


def imaging_client(api: str, region: str, session: Any = None) -> Any:
    """Return boto3's `medical-imaging` client for an IAM principal: its requests are signed for API Gateway.

    `api` is the deployed API's URL; `session` a boto3 Session, the default one without it. Whoever has an access key of
    the lake's needs no such client: boto3's own does.
    """
    import boto3
    from botocore.config import Config

    made = (session or boto3.Session()).client(
        "medical-imaging",
        endpoint_url=f"{api.rstrip('/')}/imaging",
        region_name=region,
        config=Config(inject_host_prefix=False),
    )
    made.meta.events.register("before-sign.medical-imaging", _sign_for_the_gateway)
    return made


def _sign_for_the_gateway(request: Any, **_: Any) -> None:
    """API Gateway's IAM authorizer takes signatures scoped to execute-api, and no other."""
    request.context["signing"] = {**request.context.get("signing", {}), "signing_name": "execute-api"}
