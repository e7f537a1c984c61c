"""A bucket as this project makes them: encrypted under the customer's key, over TLS only, never public, logged."""

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.config import Environment


class PrivateBucket(Construct):
    """A bucket that may hold patient data."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        key: kms.IKey,
        access_logs: s3.IBucket,
        versioned: bool,
        lifecycle_rules: list[s3.LifecycleRule] | None = None,
        cors: list[s3.CorsRule] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        abandoned = s3.LifecycleRule(
            id="abandoned-uploads",
            abort_incomplete_multipart_upload_after=Duration.days(environment.abandoned_upload_days),
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{self.node.path.split('/', 1)[1].lower()}/",
            versioned=versioned,
            lifecycle_rules=[abandoned, *(lifecycle_rules or [])],
            cors=cors,
            removal_policy=environment.removal_policy,
        )
