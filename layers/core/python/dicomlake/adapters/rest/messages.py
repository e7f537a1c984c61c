"""What a function says to the others, and the secret it is told: one operation each of four services."""

from base64 import b64decode
from typing import Any

from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.rest.place import Caller, Place
from dicomlake.adapters.rest.protocols import Dialect, ask_json, ask_query

SQS = Dialect("1.0", "AmazonSQS")
STEP_FUNCTIONS = Dialect("1.0", "AWSStepFunctions")
SECRETS_MANAGER = Dialect("1.1", "secretsmanager")
SNS_VERSION = "2010-03-31"


class RestSqs:
    """Sends messages to queues."""

    def __init__(self, place: Place, meter: CallMeter) -> None:
        self._caller = Caller(place, "sqs", meter)

    def send_message_batch(self, **named: Any) -> dict[str, Any]:
        """Send up to ten messages; `Failed` tells which did not get there."""
        return ask_json(self._caller, SQS, "SendMessageBatch", named)


class RestStepFunctions:
    """Starts executions of state machines."""

    def __init__(self, place: Place, meter: CallMeter) -> None:
        self._caller = Caller(place, "states", meter, "sfn")

    def start_execution(self, **named: Any) -> dict[str, Any]:
        """Start an execution and return its ARN."""
        return ask_json(self._caller, STEP_FUNCTIONS, "StartExecution", named)


class RestSecretsManager:
    """Reads secrets."""

    def __init__(self, place: Place, meter: CallMeter) -> None:
        self._caller = Caller(place, "secretsmanager", meter, "secrets-manager")

    def get_secret_value(self, **named: Any) -> dict[str, Any]:
        """Return a secret: `SecretBinary` as bytes, or `SecretString`."""
        said = ask_json(self._caller, SECRETS_MANAGER, "GetSecretValue", named)
        return said | ({"SecretBinary": b64decode(said["SecretBinary"])} if said.get("SecretBinary") else {})


class RestSns:
    """Publishes to topics."""

    def __init__(self, place: Place, meter: CallMeter) -> None:
        self._caller = Caller(place, "sns", meter)

    def publish(self, TopicArn: str, Message: str, MessageAttributes: dict[str, dict[str, str]]) -> None:  # noqa: N803
        """Publish a message with its attributes."""
        named = {"TopicArn": TopicArn, "Message": Message}
        for number, (name, value) in enumerate(MessageAttributes.items(), 1):
            entry = f"MessageAttributes.entry.{number}"
            named[f"{entry}.Name"] = name
            named |= {f"{entry}.Value.{part}": text for part, text in value.items()}
        ask_query(self._caller, SNS_VERSION, "Publish", named)
