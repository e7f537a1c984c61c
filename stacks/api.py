"""The HTTP API, and the two roles that may call it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import Acknowledgment, Aws, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks import changing, grants, imaging, settings, storing
from stacks.api_routes import OPEN_BECAUSE, UPLOADS, known_routes, open_routes
from stacks.config import Environment
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.lake_store import LakeStore
from stacks.constructs.layers import Layers
from stacks.constructs.sign_in import SignIn
from stacks.ingest import IngestStack
from stacks.storage import StorageStack
from stacks.study import StudyStack

ANSWER_SECONDS = 29
"""API Gateway gives up after 30 s; a function that answers later answers nobody."""

LOOK_UPS = (
    ("GET", "/lake/where"),
    ("POST", "/lake/where"),
    ("GET", "/lake/studies/*"),
    ("GET", "/lake/restore/*"),
    ("GET", "/openapi.json"),
)
"""What readers ask of the lake itself; web/authorize.py holds them to data stores that are cleared."""

CORS_ALLOWED = (
    "accept",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "range",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
)
CORS_EXPOSED = (
    "allow",
    "content-location",
    "content-range",
    "etag",
    "location",
    "retry-after",
    "warning",
    "x-amzn-errortype",
    "x-request-id",
)
"""What scripts of other origins may send and see; the local gateway says the same (local/cors.py, tested)."""

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "integrationLatency": "$context.integrationLatency",
    "caller": "$context.identity.caller",
    "error": "$context.error.message",
}
"""The route's template, never the path: a path holds UIDs, a query patients' names."""


class ApiStack(Stack):
    """Each data store is answered by its own deployment of the same function, which can read no other store."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        storage: StorageStack,
        ingest: IngestStack,
        study: StudyStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment_ = environment
        self.storage, self.ingest, self.study = storage, ingest, study
        self.key = kms.Key.from_key_arn(self, "LakeKey", storage.key.key_arn)
        self.layers = Layers(self, "Layers", built=layers)
        stores = [store.name for store in (storage.clinical, storage.research)]
        self.sign_in = SignIn(self, "SignIn", environment=environment, stores=stores)
        self.api = self._api()
        stage = self._stage()
        self.operator_role = self._role("OperatorRole", "Everything the API can do, research and operations included.")
        self.reader_role = self._role("ReaderRole", "Search and retrieve the clinical data store; upload.")
        shared = self._shared()
        self.functions = {
            "AnswerClinical": self._answer("AnswerClinical", storage.clinical),
            "AnswerResearch": self._answer("AnswerResearch", storage.research),
            "AnswerClinicalPixels": self._answer_pixels("AnswerClinicalPixels", storage.clinical),
            "AnswerResearchPixels": self._answer_pixels("AnswerResearchPixels", storage.research),
            "AnswerOperations": self._operations(),
            "StoreInstances": storing.store_instances(
                self,
                ingest=ingest,
                study=study,
                layers=self.layers,
                operator=self.operator_role,
                seconds=ANSWER_SECONDS,
            ),
            "AnswerChanges": changing.answer_changes(self, **shared),
        }
        self._routes()
        more, self.queues = imaging.add_imaging(self, **self._shared(), api=self.api, stage=stage, events=ingest.events)
        self.functions |= more
        self._permissions()
        self._outputs()

    def _shared(self) -> dict[str, Any]:
        """What the parts of this stack that other modules make are made from."""
        made = {"environment": self.environment_, "storage": self.storage, "key": self.key, "layers": self.layers}
        return made | {"changes": self.study.changes, "operator": self.operator_role, "seconds": ANSWER_SECONDS}

    def _api(self) -> http.HttpApi:
        origins = list(self.environment_.cors_origins)
        cors = http.CorsPreflightOptions(
            allow_origins=origins,
            allow_methods=[http.CorsHttpMethod.ANY],
            allow_headers=list(CORS_ALLOWED),
            expose_headers=list(CORS_EXPOSED),
            max_age=Duration.hours(1),
        )
        return http.HttpApi(
            self,
            "HttpApi",
            description=f"dicomlake {self.environment_.name}",
            default_authorizer=self.sign_in.authorizer,
            create_default_stage=False,
            cors_preflight=cors if origins else None,
        )

    def _stage(self) -> http.IHttpStage:
        log_group = logs.LogGroup(
            self,
            "AccessLogs",
            retention=self.environment_.log_retention,
            encryption_key=self.key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        stage = self.api.add_stage(
            "Stage",
            stage_name="$default",
            auto_deploy=True,
            throttle=http.ThrottleSettings(
                rate_limit=self.environment_.requests_per_second, burst_limit=self.environment_.request_burst
            ),
            detailed_metrics_enabled=True,
        )
        resource = stage.node.default_child
        assert isinstance(resource, http.CfnStage)  # noqa: S101 - the L2's only default child
        resource.access_log_settings = http.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        return stage

    def _role(self, construct_id: str, description: str) -> iam.Role:
        return iam.Role(self, construct_id, assumed_by=iam.AccountRootPrincipal(), description=description)

    def _answer(self, name: str, store: LakeStore) -> LakeFunction:
        """Make the function that answers look-ups in one data store: it knows no other, and writes only cursors."""
        function = self._of_store(name, "answer_dicomweb", store, self.layers.for_look_ups)
        grants.keep_cursors(function.role, store.table)
        return function

    def _answer_pixels(self, name: str, store: LakeStore) -> LakeFunction:
        """Make the function that opens data sets and frames of one store; beside reading it writes long answers."""
        function = self._of_store(name, "answer_pixels", store, self.layers.for_pixels)
        grants.write_answers(function.role, store.bucket)
        return function

    def _of_store(
        self, name: str, folder: str, store: LakeStore, layers: Sequence[lambda_.ILayerVersion]
    ) -> LakeFunction:
        function = LakeFunction(
            self,
            name,
            environment=self.environment_,
            folder=folder,
            key=self.key,
            layers=layers,
            timeout_seconds=ANSWER_SECONDS,
            memory=ONE_CORE,
            settings={
                **settings.stores(self, store),
                **settings.link_key(self.storage),
                "DICOMLAKE_OPERATOR_ROLE_ARN": self.operator_role.role_arn,
            },
        )
        grants.read_secret(function.role, self.storage.link_secret)
        grants.use_key(function.role, self.key)
        grants.read_index(function.role, store.table)
        grants.read_objects(function.role, store.bucket)
        return function

    def _operations(self) -> LakeFunction:
        storage, ingest, study = self.storage, self.ingest, self.study
        function = LakeFunction(
            self,
            "AnswerOperations",
            environment=self.environment_,
            folder="answer_operations",
            key=self.key,
            layers=self.layers.for_look_ups,
            timeout_seconds=ANSWER_SECONDS,
            memory=1024,
            settings={
                **settings.stores(self, storage.clinical, storage.research),
                **settings.default_store(storage),
                **settings.research_store(storage),
                **settings.secret(storage),
                **settings.link_key(storage),
                **settings.landing(storage),
                **settings.quarantine(storage),
                "DICOMLAKE_INGEST_QUEUE_URL": ingest.ingest_work.queue.queue_url,
                "DICOMLAKE_DEIDENTIFY_QUEUE_URL": study.deidentify_work.queue.queue_url,
                "DICOMLAKE_OPERATOR_ROLE_ARN": self.operator_role.role_arn,
            },
        )
        self._grant_operations(function.role)
        return function

    def _grant_operations(self, role: iam.IGrantable) -> None:
        """Signed URLs carry the signer's rights: uploads put into the landing bucket, restore plans read packs."""
        storage = self.storage
        tables = (storage.clinical.table, storage.research.table)
        grants.use_key(role, self.key)
        grants.read_secret(role, storage.secret)
        grants.read_secret(role, storage.link_secret)
        grants.read_index(role, *tables)
        grants.write_index(role, *tables)
        grants.write_objects(role, storage.landing)
        grants.list_parts(role, storage.landing)
        grants.read_objects(role, storage.quarantine, storage.clinical.bucket, storage.research.bucket)
        grants.list_objects(role, storage.quarantine)
        grants.send(role, self.ingest.ingest_work.queue, self.study.deidentify_work.queue)

    def _routes(self) -> None:
        stores = {"AnswerClinical": self.storage.clinical, "AnswerResearch": self.storage.research}
        to = {
            name: integrations.HttpLambdaIntegration(
                name, function.function, scope_permission_to_route=name == "AnswerOperations"
            )
            for name, function in self.functions.items()
        }
        for path, methods, name in known_routes(stores):
            self.api.add_routes(path=path, methods=methods, integration=to[name])
        nobody = http.HttpNoneAuthorizer()
        for path, methods, name in open_routes(stores):
            routes = self.api.add_routes(path=path, methods=methods, integration=to[name], authorizer=nobody)
            for route in routes:
                Validations.of(route).acknowledge(
                    Acknowledgment(id="AwsSolutions::AwsSolutions-APIG4", reason=OPEN_BECAUSE)
                )

    def _permissions(self) -> None:
        clinical = f"/dicomweb/{self.storage.clinical.datastore_id}/*"
        uploads = [self._arn("POST", path) for path in UPLOADS]
        look_ups = (self._arn(method, path) for method, path in LOOK_UPS)
        reads = (self._arn("*", clinical), self._arn("*", "/imaging/*"))
        self.reader_role.add_to_policy(self._invoke(*reads, *uploads, *look_ups))
        self.operator_role.add_to_policy(self._invoke(self._arn("*", "/*")))

    def _arn(self, method: str, path: str) -> str:
        """Return an API's ARN by hand: the L2's refuses the stage $default."""
        api = f"arn:{Aws.PARTITION}:execute-api:{Aws.REGION}:{Aws.ACCOUNT_ID}:{self.api.api_id}"
        return f"{api}/$default/{method}{path}"

    def _invoke(self, *resources: str) -> iam.PolicyStatement:
        return iam.PolicyStatement(actions=["execute-api:Invoke"], resources=list(resources))

    def _outputs(self) -> None:
        values = {
            "ApiId": self.api.api_id,
            "ApiEndpoint": self.api.api_endpoint,
            "OperatorRoleArn": self.operator_role.role_arn,
            "ReaderRoleArn": self.reader_role.role_arn,
        }
        for name, value in values.items():
            CfnOutput(self, name, value=value)
