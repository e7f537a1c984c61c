"""A queue of work: encrypted, over TLS only, with a place for what keeps failing."""

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.guards import VISIBILITY_FACTOR

RETENTION = Duration.days(14)
KEY_REUSE = Duration.hours(1)
"""SQS asks KMS once an hour and queue, not every five minutes."""


class WorkQueue(Construct):
    """A queue and, unless another one takes its failures, its own dead-letter queue."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        timeout_seconds: int,
        tries: int,
        failures: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.timeout_seconds = timeout_seconds
        self.dead: sqs.Queue | None = None if failures else dead_letters(self, "Dead", key=key)
        target = failures or self.dead
        assert target is not None  # noqa: S101 - one of the two is set, which the type checker cannot see
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            data_key_reuse=KEY_REUSE,
            enforce_ssl=True,
            retention_period=RETENTION,
            visibility_timeout=Duration.seconds(VISIBILITY_FACTOR * timeout_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=target, max_receive_count=tries),
        )

    def subscribe(self, topic: sns.ITopic, **attributes: list[str]) -> None:
        """Take a topic's messages as they were published; those whose attributes match, where some are named."""
        policy = {name: sns.SubscriptionFilter.string_filter(allowlist=some) for name, some in attributes.items()}
        topic.add_subscription(
            subscriptions.SqsSubscription(self.queue, raw_message_delivery=True, filter_policy=policy or None)
        )


def dead_letters(scope: Construct, construct_id: str, *, key: kms.IKey) -> sqs.Queue:
    """Make a queue for messages that kept failing; an operator redrives it, and an alarm says that there is need."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=KEY_REUSE,
        enforce_ssl=True,
        retention_period=RETENTION,
    )
