"""botocore clients, made when first asked for: a cold function pays only for those it uses.

botocore is used directly: the table adapters need no boto3 resources, and its session costs more to import.
"""

from typing import Any

from botocore.config import Config
from botocore.session import Session

from dicomlake.adapters.calls import CallMeter

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
    """

    def __init__(self, region: str, meter: CallMeter | None = None, endpoint_url: str = "", **settings: Any) -> None:
        self._region = region
        self._endpoint = {"endpoint_url": endpoint_url} if endpoint_url else {}
        style = {"s3": {"addressing_style": "path"}} if endpoint_url else {}
        self._settings = SETTINGS | style | settings
        self._session = Session()
        self._clients: dict[str, Any] = {}
        self.meter = meter or CallMeter()

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            config = Config(**(OWN_SETTINGS.get(service, {}) | self._settings))
            made = self._session.create_client(service, region_name=self._region, config=config, **self._endpoint)
            self.meter.watch(made)
            self._clients[service] = made
        return self._clients[service]

    @property
    def s3(self) -> Any:
        """S3, for objects."""
        return self.client("s3")

    @property
    def dynamodb(self) -> Any:
        """DynamoDB, for the index."""
        return self.client("dynamodb")

    @property
    def sns(self) -> Any:
        """SNS, for events."""
        return self.client("sns")

    @property
    def sqs(self) -> Any:
        """SQS, for commands."""
        return self.client("sqs")

    @property
    def stepfunctions(self) -> Any:
        """Step Functions, for the state machines."""
        return self.client("stepfunctions")

    @property
    def secretsmanager(self) -> Any:
        """Secrets Manager, for the lake's secret."""
        return self.client("secretsmanager")
