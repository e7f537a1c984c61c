"""What changes studies: the function that answers requests for it, and the one that carries on what they began."""

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_iam as iam

from stacks import grants, settings
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.layers import Layers

if TYPE_CHECKING:
    from stacks.study import StudyStack

METHODS = [http.HttpMethod.DELETE, http.HttpMethod.PATCH, http.HttpMethod.PUT]
"""What changes a study, a series or an instance."""

OPERATIONS = "/lake/studies/{study}/{proxy+}"
"""A study's history, purge and hold."""


def answer_changes(
    stack: Stack, study: "StudyStack", layers: Layers, operator: iam.IRole, seconds: int
) -> LakeFunction:
    """Make the function that begins changes of both data stores: it writes journal and index, and no pack."""
    storage = study.storage
    function = LakeFunction(
        stack,
        "AnswerChanges",
        environment=study.environment_,
        folder="answer_changes",
        key=study.key,
        layers=layers.for_look_ups,
        timeout_seconds=seconds,
        memory=ONE_CORE,
        settings={
            **settings.stores(stack, *study.both),
            **settings.default_store(storage),
            **settings.secret(storage),
            **_told(study),
            "DICOMLAKE_OPERATOR_ROLE_ARN": operator.role_arn,
        },
    )
    grants.use_key(function.role, study.key)
    grants.read_secret(function.role, storage.secret)
    _grant(function, study)
    grants.write_journal(function.role, *study.buckets)
    return function


def change_study(study: "StudyStack") -> None:
    """Make the function that carries on deletions, purges and corrections of both data stores."""
    work = study.environment_.change
    function = study.function(
        "ChangeStudy",
        "change_study",
        timeout_seconds=work.timeout_seconds,
        memory=ONE_CORE,
        named=True,
        more=_told(study),
    )
    _grant(function, study)
    grants.list_objects(function.role, *study.buckets)
    grants.write_objects(function.role, *study.buckets)
    grants.delete_metadata(function.role, *study.buckets)
    function.work(study.change_work, work)


def let_change(function: LakeFunction, study: "StudyStack") -> None:
    """Let a function that answers requests of both data stores begin changes of them."""
    for name, value in _told(study).items():
        function.function.add_environment(name, value)
    _grant(function, study)
    grants.write_journal(function.role, *study.buckets)


def _told(study: "StudyStack") -> dict[str, str]:
    return {
        "DICOMLAKE_EVENTS_TOPIC": study.ingest.events.topic_arn,
        "DICOMLAKE_CHANGE_QUEUE_URL": study.change_work.queue.queue_url,
    }


def _grant(function: LakeFunction, study: "StudyStack") -> None:
    grants.read_index(function.role, *study.tables)
    grants.write_index(function.role, *study.tables)
    grants.read_objects(function.role, *study.buckets)
    grants.publish(function.role, study.ingest.events)
    grants.send(function.role, study.change_work.queue)
