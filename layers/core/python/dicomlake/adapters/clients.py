"""The clients of AWS's services, made when first asked for: a cold function pays only for those it uses.

The calls that functions make all the time go the short way (adapters/rest) wherever the environment says all that this
takes; everything else is botocore's, used directly: boto3 costs more to import and has nothing that the adapters need.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.rest import (
    Place,
    RestDynamoDb,
    RestS3,
    RestSecretsManager,
    RestSns,
    RestSqs,
    RestStepFunctions,
)

SETTINGS = {
    "connect_timeout": 2,
    "read_timeout": 30,
    "retries": {"mode": "standard", "total_max_attempts": 3},
    "tcp_keepalive": True,
    "max_pool_connections": 16,
}
"""Three attempts inside a call; beyond them the work goes back to its queue, which waits longer than a call should."""
OWN_SETTINGS: dict[str, dict[str, Any]] = {"dynamodb": {"parameter_validation": False}}
"""Every request to the index is spelled in adapters/dynamodb and proved by the contract tests; botocore's validation
is 3.2 of the 7.7 ms that a transaction of 100 items takes to encode."""


class AwsClients:
    """The clients of one process by service, each made once, all watched by one meter.

    `endpoint_url` is another place than AWS (path-style S3 then); without it botocore looks at its own environment.
    `env` is what the process was told of AWS; where it names credentials, the clients of properties are our own.
    """

    def __init__(
        self,
        region: str,
        meter: CallMeter | None = None,
        endpoint_url: str = "",
        env: Mapping[str, str] = MappingProxyType({}),
        **settings: Any,
    ) -> None:
        self._region = region
        self._endpoint = {"endpoint_url": endpoint_url} if endpoint_url else {}
        style = {"s3": {"addressing_style": "path"}} if endpoint_url else {}
        self._settings = SETTINGS | style | settings
        self._place = Place.from_env(env, region, endpoint_url)
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self.meter = meter or CallMeter()

    def client(self, service: str) -> Any:
        """Return botocore's client of a service."""
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config  # 0.14 s of CPU, which a function that looks up never spends
        from botocore.session import Session

        self._session = self._session or Session()
        config = Config(**(OWN_SETTINGS.get(service, {}) | self._settings))
        made = self._session.create_client(service, region_name=self._region, config=config, **self._endpoint)
        self.meter.watch(made)
        return made

    def _own(self, kind: Callable[[Place, CallMeter], Any], service: str) -> Any:
        """Return our own client of a service, botocore's where the environment does not say enough for ours."""
        return kind(self._place, self.meter) if self._place else self.client(service)

    @cached_property
    def s3(self) -> Any:
        """S3, for objects."""
        return self._own(lambda place, meter: RestS3(place, meter, lambda: self.client("s3")), "s3")

    @cached_property
    def dynamodb(self) -> Any:
        """DynamoDB, for the items of the index."""
        return self._own(RestDynamoDb, "dynamodb")

    @cached_property
    def sns(self) -> Any:
        """SNS, for events."""
        return self._own(RestSns, "sns")

    @cached_property
    def sqs(self) -> Any:
        """SQS, for commands."""
        return self._own(RestSqs, "sqs")

    @cached_property
    def stepfunctions(self) -> Any:
        """Step Functions, for the state machines."""
        return self._own(RestStepFunctions, "stepfunctions")

    @cached_property
    def secretsmanager(self) -> Any:
        """Secrets Manager, for the lake's secret."""
        return self._own(RestSecretsManager, "secretsmanager")
