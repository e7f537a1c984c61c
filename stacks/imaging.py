"""The HealthImaging API's part of the API stack: its function, its routes, and the names boto3 calls it by.

Its requests are signed for the service medical-imaging, which no authorizer of API Gateway checks: the function does
(docs/decisions/0110-clients-of-healthimaging-sign-with-keys-of-ours.md).
"""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_kms as kms

from stacks import grants, settings
from stacks.config import ApiDomain, Environment
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.layers import Layers
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

HOST_PREFIX = "runtime-"
"""What boto3 puts before the host's name in half of the operations."""


def answer_imaging(
    stack: Stack, *, environment: Environment, storage: StorageStack, key: kms.IKey, layers: Layers, seconds: int
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
        },
    )
    grants.use_key(function.role, key)
    grants.read_secret(function.role, storage.secret)
    grants.read_index(function.role, storage.clinical.table, storage.research.table)
    grants.write_rows(function.role, storage.clinical.table, "D")
    grants.read_objects(function.role, storage.clinical.bucket, storage.research.bucket)
    CfnOutput(stack, "ImagingFunctionName", value=function.function.function_name)
    return function


def add_routes(api: http.HttpApi, function: LakeFunction) -> None:
    """Send the API's paths to its function, which looks at the signature itself."""
    integration = integrations.HttpLambdaIntegration(
        "AnswerImaging", function.function, scope_permission_to_route=False
    )
    for path in ROUTES:
        api.add_routes(
            path=path, methods=[http.HttpMethod.ANY], integration=integration, authorizer=http.HttpNoneAuthorizer()
        )


def name_api(stack: Stack, *, api: http.HttpApi, stage: http.IHttpStage, domain: ApiDomain) -> None:
    """Give the API a name of the environment's own, and that name's twin behind boto3's host prefix.

    Both need a DNS record (CNAME or alias) to the target that the outputs name; the certificate covers both.
    """
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", domain.certificate_arn)
    for part, name in (("Domain", domain.name), ("RuntimeDomain", HOST_PREFIX + domain.name)):
        made = http.DomainName(stack, part, domain_name=name, certificate=certificate)
        http.ApiMapping(stack, f"{part}Mapping", api=api, domain_name=made, stage=stage)
        CfnOutput(stack, f"{part}Target", value=made.regional_domain_name)
