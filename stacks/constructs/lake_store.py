"""A data store: one bucket of packs and one index table."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.config import Environment
from stacks.constructs.private_bucket import PrivateBucket


class LakeStore(Construct):
    """One data store, named in settings and grants by its own table and bucket."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        name: str,
        cleared: bool,
        key: kms.IKey,
        access_logs: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.cleared = cleared
        self.datastore_id = environment.datastore_id(name)
        self.bucket: s3.IBucket = PrivateBucket(
            self,
            "Packs",
            environment=environment,
            key=key,
            access_logs=access_logs,
            versioned=False,
            lifecycle_rules=[s3.LifecycleRule(id="answers", prefix="answers/", expiration=Duration.days(1))],
            cors=self._cors(environment),
        ).bucket
        self.table: dynamodb.ITable = self._table(environment, key)

    def _cors(self, environment: Environment) -> list[s3.CorsRule] | None:
        """Let browsers follow a redirect to a long answer.

        A redirected request has the origin `null` (Fetch 4.4), which no list names; the signed URL is what lets it in.
        """
        if not environment.cors_origins:
            return None
        return [
            s3.CorsRule(
                allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.HEAD],
                allowed_origins=["*"],
                allowed_headers=["range", "if-none-match"],
                exposed_headers=["Content-Range", "Content-Length", "Content-Type", "ETag", "Accept-Ranges"],
                max_age=3600,
            )
        ]

    def _table(self, environment: Environment, key: kms.IKey) -> dynamodb.Table:
        recovery = dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=environment.restores_to_a_point
        )
        return dynamodb.Table(
            self,
            "Index",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=recovery,
            time_to_live_attribute="expires",
            stream=dynamodb.StreamViewType.NEW_IMAGE,
            removal_policy=environment.removal_policy,
            deletion_protection=environment.keeps_data,
        )
