"""STOW-RS's part of the API stack: its function, which is an ingest that is asked instead of told."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from stacks import grants
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.layers import Layers
from stacks.ingest import IngestStack
from stacks.study import StudyStack

ROUTES = (("POST", "studies"), ("POST", "studies/{study}"), ("GET", "received/{receipt}"))
"""What it answers, below the clinical data store's root: copies are made by the lake itself."""


def store_instances(
    stack: Stack, *, ingest: IngestStack, study: StudyStack, layers: Layers, operator: iam.IRole, seconds: int
) -> LakeFunction:
    """Make the function that stores what requests bring: it lands, decides and folds, and hands on what it cannot."""
    function = LakeFunction(
        stack,
        "StoreInstances",
        environment=ingest.environment_,
        folder="store_instances",
        key=ingest.key,
        layers=layers.for_pixels,
        timeout_seconds=seconds,
        memory=ONE_CORE,
        settings={
            **ingest.ingest_settings(stack),
            **study.settle_settings(),
            "DICOMLAKE_INGEST_QUEUE_URL": ingest.ingest_work.queue.queue_url,
            "DICOMLAKE_OPERATOR_ROLE_ARN": operator.role_arn,
        },
    )
    ingest.grant_ingest(function.role)
    grants.write_objects(function.role, ingest.storage.landing)
    grants.send(function.role, ingest.ingest_work.queue, study.settle_work.queue)
    return function
