"""The HealthImaging API's part of the API stack: its function, its routes, and the names boto3 calls it by.

Its requests are signed for the service medical-imaging, which no authorizer of API Gateway checks: the function does
(docs/decisions/0110-clients-of-healthimaging-sign-with-keys-of-ours.md).
"""

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from stacks import grants, settings
from stacks.changing import Changes, let_change
from stacks.config import ApiDomain, Environment, Work
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.layers import Layers
from stacks.constructs.work_queue import WorkQueue
from stacks.storage import StorageStack

ROUTES = (
    "/datastore",
    "/datastore/{proxy+}",
    "/startDICOMImportJob/{proxy+}",
    "/getDICOMImportJob/{proxy+}",
    "/listDICOMImportJobs/{proxy+}",
    "/tags/{proxy+}",
)
"""Every path of botocore's model."""

FOR_PRINCIPALS = "/imaging/{proxy+}"
"""The same paths for IAM principals, whose signatures (scoped to execute-api) the gateway checks."""

IMPORT = Work(timeout_seconds=120, concurrency=5, tries=10, batch_size=1)
"""A step of a job copies 200 objects, eight at a time, or reads as many rows."""

HOST_PREFIX = "runtime-"
"""What boto3 puts before the host's name in half of the operations."""


def add_imaging(
    stack: Stack,
    *,
    environment: Environment,
    storage: StorageStack,
    key: kms.IKey,
    layers: Layers,
    changes: Changes,
    operator: iam.IRole,
    seconds: int,
    api: http.HttpApi,
    stage: http.IHttpStage,
    events: sns.ITopic,
) -> tuple[dict[str, LakeFunction], dict[str, WorkQueue]]:
    """Add the whole of it to the API stack; return its functions and queues by name."""
    made: dict[str, Any] = {"environment": environment, "storage": storage, "key": key, "layers": layers}
    answers = answer_imaging(stack, **made, seconds=seconds, operator=operator)
    let_change(answers, changes)
    add_routes(api, answers)
    if environment.api_domain:
        name_api(stack, api=api, stage=stage, domain=environment.api_domain)
    run, work = run_import(stack, **made, events=events, answers=answers)
    return {"AnswerImaging": answers, "RunImport": run}, {"import-work": work}


def answer_imaging(
    stack: Stack,
    *,
    environment: Environment,
    storage: StorageStack,
    key: kms.IKey,
    layers: Layers,
    seconds: int,
    operator: iam.IRole,
) -> LakeFunction:
    """Make the function that answers the HealthImaging API of every data store."""
    function = LakeFunction(
        stack,
        "AnswerImaging",
        environment=environment,
        folder="answer_imaging",
        key=key,
        layers=layers.for_look_ups,
        timeout_seconds=seconds,
        memory=ONE_CORE,
        settings={
            **settings.stores(stack, storage.clinical, storage.research),
            **settings.default_store(storage),
            **settings.secret(storage),
            "DICOMLAKE_OPERATOR_ROLE_ARN": operator.role_arn,
        },
    )
    grants.use_key(function.role, key)
    grants.read_secret(function.role, storage.secret)
    grants.read_index(function.role, storage.clinical.table, storage.research.table)
    grants.write_rows(function.role, storage.clinical.table, "D", "J#*", "JL")
    for store in (storage.clinical, storage.research):
        grants.read_objects(function.role, store.bucket)
        grants.list_objects(function.role, store.bucket)
        grants.write_image_sets(function.role, store.bucket)
    CfnOutput(stack, "ImagingFunctionName", value=function.function.function_name)
    return function


def run_import(
    stack: Stack,
    *,
    environment: Environment,
    storage: StorageStack,
    events: sns.ITopic,
    key: kms.IKey,
    layers: Layers,
    answers: LakeFunction,
) -> tuple[LakeFunction, WorkQueue]:
    """Make the queue on which import jobs are worked, its function, and let the API send to it."""
    work = WorkQueue(stack, "ImportWork", key=key, timeout_seconds=IMPORT.timeout_seconds, tries=IMPORT.tries)
    told = {"DICOMLAKE_IMPORT_QUEUE_URL": work.queue.queue_url}
    function = LakeFunction(
        stack,
        "RunImport",
        environment=environment,
        folder="run_import",
        key=key,
        layers=layers.for_look_ups,
        timeout_seconds=IMPORT.timeout_seconds,
        memory=ONE_CORE,
        settings={
            **settings.stores(stack, storage.clinical, storage.research),
            **settings.secret(storage),
            **settings.landing(storage),
            "DICOMLAKE_EVENTS_TOPIC": events.topic_arn,
            **told,
        },
    )
    function.work(work, IMPORT)
    answers.function.add_environment("DICOMLAKE_IMPORT_QUEUE_URL", work.queue.queue_url)
    grants.send(answers.role, work.queue)
    grants.send(function.role, work.queue)
    grants.use_key(function.role, key)
    grants.read_secret(function.role, storage.secret)
    grants.publish(function.role, events)
    grants.read_index(function.role, storage.clinical.table)
    grants.write_rows(function.role, storage.clinical.table, "J#*")
    for bucket in (storage.landing, storage.clinical.bucket):
        grants.read_objects(function.role, bucket)
        grants.list_objects(function.role, bucket)
    grants.write_objects(function.role, storage.landing)
    grants.write_imports(function.role, storage.clinical.bucket)
    for name in environment.import_buckets:
        bucket = s3.Bucket.from_bucket_name(stack, f"Import-{name}", name)
        grants.read_objects(function.role, bucket)
        grants.list_objects(function.role, bucket)
        grants.write_objects(function.role, bucket)
    return function, work


def add_routes(api: http.HttpApi, function: LakeFunction) -> None:
    """Send the API's paths to its function, which looks at the signature itself."""
    integration = integrations.HttpLambdaIntegration(
        "AnswerImaging", function.function, scope_permission_to_route=False
    )
    for path in ROUTES:
        api.add_routes(
            path=path, methods=[http.HttpMethod.ANY], integration=integration, authorizer=http.HttpNoneAuthorizer()
        )
    api.add_routes(path=FOR_PRINCIPALS, methods=[http.HttpMethod.ANY], integration=integration)


def name_api(stack: Stack, *, api: http.HttpApi, stage: http.IHttpStage, domain: ApiDomain) -> None:
    """Give the API a name of the environment's own, and that name's twin behind boto3's host prefix.

    Both need a DNS record (CNAME or alias) to the target that the outputs name; the certificate covers both.
    """
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", domain.certificate_arn)
    for part, name in (("Domain", domain.name), ("RuntimeDomain", HOST_PREFIX + domain.name)):
        made = http.DomainName(stack, part, domain_name=name, certificate=certificate)
        http.ApiMapping(stack, f"{part}Mapping", api=api, domain_name=made, stage=stage)
        CfnOutput(stack, f"{part}Target", value=made.regional_domain_name)
