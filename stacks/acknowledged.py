"""Where AwsSolutions' advice is not followed, and why."""

import json

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import Construct

from stacks.api import LOOK_UPS, ApiStack
from stacks.gateway import GatewayStack
from stacks.ingest import IngestStack
from stacks.storage import StorageStack
from stacks.study import StudyStack

EVERYWHERE = {
    "L1": "Python 3.13 is what every codec wheel is built and measured for; the next runtime is a measured change.",
    "IAM5[Resource::*]": "Only the actions that stacks/guards.py lists, which AWS cannot narrow: X-Ray segments, "
    "stream listing, registry log-in, log delivery of state machines, the task that runTask.sync just started.",
}
STORAGE = {
    "SMG4": "Rotating the lake's secret would rename every ledger row and frame; rotating the links' would revoke "
    "every link, which is an operator's act (docs/operations.md).",
}
STORAGE_WITHOUT_RECOVERY = {
    "DDB3": "Only prod keeps data; the index can be rebuilt from packs and journal.",
}
INGEST = {
    "VPC7": "Nothing listens in this network: tasks have no inbound rule and speak TLS to AWS endpoints only.",
    "ECS2": "The variables are names of resources; the secret is fetched by its ARN under the task's role.",
}
STUDY = {
    "SQS3": "ChangesDead is where the stream mappings put what failed: a dead-letter queue by another name.",
}
API = {
    "APIG4": "HealthImaging's clients sign for its service name, which no authorizer checks: the function checks the "
    "signature against keys of the lake's own, and nothing but those routes is without an authorizer (a test).",
}
GATEWAY = {
    "ELB2": "A load balancer's access log has whole URLs: UIDs, names in queries, tokens of study links. The tasks' "
    "own lines tell of every request without them.",
    "VPC7": "Tasks take connections of the load balancer only, and speak TLS to AWS endpoints.",
    "ECS2": "The variables are names of resources; secrets are fetched by their ARN under the task's role.",
}
OBJECTS = "Objects of one bucket, whose keys are made at run time."
PARTS_OF_A_BUCKET = {
    "answers": "Answers of one bucket, whose keys are made at run time.",
    "image-sets": "What is answered of image sets, of one bucket, whose keys are made at run time.",
    "imports": "What import jobs note, in one bucket, whose keys are made at run time.",
    "journal": "Journal objects of one bucket, whose keys are made at run time.",
    "series": "Pre-built metadata of one bucket, whose keys are made at run time.",
}
VERSIONS = "Versions of one function, as Step Functions' grant writes it."
REVISIONS = "Revisions of one task definition."
ROUTES = "Routes below one API and stage: a proxy route has no finite list of paths."


def acknowledge(
    storage: StorageStack, ingest: IngestStack, study: StudyStack, api: ApiStack, *gateways: GatewayStack
) -> None:
    """Record the reasons, finding by finding; a new finding fails synthesis until it is repaired or explained here."""
    for gateway in gateways:
        _record(gateway, GATEWAY)
    for stack in (storage, ingest, study, api, *gateways):
        _record(stack, EVERYWHERE)
        _record(stack, {f"IAM5[Resource::{arn}/*]": OBJECTS for arn in _bucket_exports(storage)})
        for part, reason in PARTS_OF_A_BUCKET.items():
            _record(stack, {f"IAM5[Resource::{arn}/{part}/*]": reason for arn in _bucket_exports(storage)})
    _record(storage, STORAGE)
    if not storage.environment_.restores_to_a_point:
        _record(storage, STORAGE_WITHOUT_RECOVERY)
    _record(ingest, {**INGEST, f"IAM5[Resource::{_revisions(ingest)}]": REVISIONS})
    steps = ("PlanStudy", "CompactSeries", "FinishStudy")
    named = {f"IAM5[Resource::<{_logical_id(study.functions[step].function)}.Arn>:*]": VERSIONS for step in steps}
    _record(study, {**STUDY, **named})
    _record(api, API)
    _record(api, {f"IAM5[Resource::{arn}]": ROUTES for arn in _routes(api)})


def _record(stack: Stack, reasons: dict[str, str]) -> None:
    for rule, reason in reasons.items():
        Validations.of(stack).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))


def _bucket_exports(storage: StorageStack) -> list[str]:
    """A bucket's ARN as the finding of another stack names it: by its export."""
    buckets = (storage.landing, storage.quarantine, storage.clinical.bucket, storage.research.bucket)
    return [storage.resolve(storage.export_value(bucket.bucket_arn))["Fn::ImportValue"] for bucket in buckets]


def _logical_id(construct: Construct) -> str:
    child = construct.node.default_child
    if not isinstance(child, CfnElement):
        raise TypeError("only a construct of one resource has a logical id")
    resolved: str = Stack.of(construct).resolve(child.logical_id)
    return resolved


def _revisions(ingest: IngestStack) -> str:
    """The task definition's ARN without its revision, as CDK computes it and the finding prints it."""

    def part(index: int, separator: str, of: object) -> dict[str, object]:
        return {"Fn::Select": [index, {"Fn::Split": [separator, of]}]}

    def text(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

    arn = {"Ref": _logical_id(ingest.large.task)}
    head = ":".join(text(part(index, ":", arn)) for index in range(1, 5))
    resource = part(5, ":", arn)
    return f"arn:{head}:{text(part(0, '/', resource))}/{text(part(1, '/', resource))}:*"


def _routes(api: ApiStack) -> list[str]:
    stage = f"arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<{_logical_id(api.api)}>/$default"
    look_ups = [f"{stage}/{method}{path}" for method, path in LOOK_UPS if path.endswith("*")]
    return [
        f"{stage}/*/*",
        f"{stage}/*/imaging/*",
        f"{stage}/*/dicomweb/{api.storage.clinical.datastore_id}/*",
        *look_ups,
    ]
