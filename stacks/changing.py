"""What changes studies: the function that answers requests for it, and the one that carries on what they began."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from stacks import grants, settings
from stacks.config import Environment, Work
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.layers import Layers
from stacks.constructs.work_queue import WorkQueue
from stacks.storage import StorageStack

METHODS = [http.HttpMethod.DELETE, http.HttpMethod.PATCH, http.HttpMethod.PUT]
"""What changes a study, a series or an instance."""

OPERATIONS = "/lake/studies/{study}/{proxy+}"
"""A study's history, purge and hold."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a change touches: where it is told, the queue on which it is carried on, and the data stores."""

    events: sns.ITopic
    work: WorkQueue
    tables: Sequence[dynamodb.ITable]
    buckets: Sequence[s3.IBucket]

    @property
    def settings(self) -> dict[str, str]:
        """What a function that changes studies is told."""
        return {
            "DICOMLAKE_EVENTS_TOPIC": self.events.topic_arn,
            "DICOMLAKE_CHANGE_QUEUE_URL": self.work.queue.queue_url,
        }

    def grant(self, function: LakeFunction) -> None:
        """Let a function read and write the index, read packs, tell of changes and hand them on."""
        grants.read_index(function.role, *self.tables)
        grants.write_index(function.role, *self.tables)
        grants.read_objects(function.role, *self.buckets)
        grants.publish(function.role, self.events)
        grants.send(function.role, self.work.queue)


def answer_changes(
    stack: Stack,
    *,
    environment: Environment,
    storage: StorageStack,
    key: kms.IKey,
    layers: Layers,
    changes: Changes,
    operator: iam.IRole,
    seconds: int,
) -> LakeFunction:
    """Make the function that begins changes of both data stores: it writes journal and index, and no pack."""
    function = LakeFunction(
        stack,
        "AnswerChanges",
        environment=environment,
        folder="answer_changes",
        key=key,
        layers=layers.for_look_ups,
        timeout_seconds=seconds,
        memory=ONE_CORE,
        settings={
            **settings.stores(stack, storage.clinical, storage.research),
            **settings.default_store(storage),
            **settings.secret(storage),
            **changes.settings,
            "DICOMLAKE_OPERATOR_ROLE_ARN": operator.role_arn,
        },
    )
    grants.use_key(function.role, key)
    grants.read_secret(function.role, storage.secret)
    changes.grant(function)
    grants.write_journal(function.role, *changes.buckets)
    return function


def change_study(make: Callable[..., LakeFunction], changes: Changes, work: Work) -> None:
    """Make the function that carries on deletions, purges and corrections of both data stores."""
    function = make(
        "ChangeStudy",
        "change_study",
        timeout_seconds=work.timeout_seconds,
        memory=ONE_CORE,
        named=True,
        more=changes.settings,
    )
    changes.grant(function)
    grants.list_objects(function.role, *changes.buckets)
    grants.write_objects(function.role, *changes.buckets)
    grants.delete_metadata(function.role, *changes.buckets)
    function.work(changes.work, work)


def let_change(function: LakeFunction, changes: Changes) -> None:
    """Let a function that answers requests of both data stores begin changes of them."""
    for name, value in changes.settings.items():
        function.function.add_environment(name, value)
    changes.grant(function)
    grants.write_journal(function.role, *changes.buckets)
