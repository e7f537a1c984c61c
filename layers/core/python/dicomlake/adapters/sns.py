"""The topic on which the lake tells what happened, on SNS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A message as SNS carries it; subscribers filter by the attributes, which hold no patient data."""

    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class SnsEventPublisher:
    """Publishes events to one topic; `encode` is the wire format."""

    def __init__(self, client: Any, topic_arn: str, encode: Callable[[object], EncodedMessage]) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._encode = encode

    def publish(self, event: object) -> None:
        """Publish one event of domain.events."""
        message = self._encode(event)
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items() if value
        }
        with aws_errors():
            self._client.publish(TopicArn=self._topic_arn, Message=message.body, MessageAttributes=attributes)
