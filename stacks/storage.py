"""What must not be lost: the landing and quarantine buckets, the data stores, the key and the secret."""

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import Environment
from stacks.constructs.lake_key import LakeKey
from stacks.constructs.lake_store import LakeStore
from stacks.constructs.private_bucket import PrivateBucket


class StorageStack(Stack):
    """The stateful stack. It depends on no other one; every other one depends on it."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, termination_protection=environment.keeps_data)
        self.environment_ = environment
        self.key = LakeKey(self, "LakeKey", environment=environment).key
        self.access_logs = self._access_logs()
        self.landed = sns.Topic(self, "Landed", master_key=self.key, enforce_ssl=True)
        self.landing = self._landing()
        self.quarantine = PrivateBucket(
            self, "Quarantine", environment=environment, key=self.key, access_logs=self.access_logs, versioned=False
        ).bucket
        self.clinical = self._store("Clinical", "clinical", cleared=True)
        self.research = self._store("Research", "research", cleared=False)
        self.secret = secretsmanager.Secret(
            self,
            "LakeSecret",
            description="dicomlake: what keyed names are derived from; a lake without it cannot name what it holds",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=environment.removal_policy,
        )
        self.link_secret = secretsmanager.Secret(
            self,
            "LinkSecret",
            description="dicomlake: what signs study links; replacing it revokes every link that was given out",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=environment.removal_policy,
        )
        self._outputs()

    def _access_logs(self) -> s3.Bucket:
        """Access logs name the landing bucket's keys, which are PHI: as closed as the bucket, and kept briefly."""
        return s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(id="expire", expiration=Duration.days(self.environment_.access_log_days))
            ],
            removal_policy=self.environment_.removal_policy,
        )

    def _landing(self) -> s3.Bucket:
        """Nothing of it expires by a rule of ours (docs/decisions/0090-landed-objects-stay.md)."""
        bucket = PrivateBucket(
            self,
            "Landing",
            environment=self.environment_,
            key=self.key,
            access_logs=self.access_logs,
            versioned=True,
            cors=self._landing_cors(),
        ).bucket
        self._announce(bucket)
        return bucket

    def _landing_cors(self) -> list[s3.CorsRule] | None:
        """Uploads by signed URL from browsers."""
        if not self.environment_.cors_origins:
            return None
        return [
            s3.CorsRule(
                allowed_methods=[s3.HttpMethods.PUT],
                allowed_origins=list(self.environment_.cors_origins),
                allowed_headers=["content-type", "x-amz-*"],
                exposed_headers=["ETag", "x-amz-version-id"],
            )
        ]

    def _announce(self, bucket: s3.Bucket) -> None:
        """Tell of every landed object. The bucket's own property is set: no custom resource, and no cycle."""
        allowed = self.landed.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.landed.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - the L2's only default child
        configuration = s3.CfnBucket.TopicConfigurationProperty(event="s3:ObjectCreated:*", topic=self.landed.topic_arn)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            topic_configurations=[configuration]
        )
        if allowed.policy_dependable:
            resource.node.add_dependency(allowed.policy_dependable)

    def _store(self, construct_id: str, name: str, *, cleared: bool) -> LakeStore:
        return LakeStore(
            self,
            construct_id,
            environment=self.environment_,
            name=name,
            cleared=cleared,
            key=self.key,
            access_logs=self.access_logs,
        )

    def _outputs(self) -> None:
        values = {
            "LandingBucketName": self.landing.bucket_name,
            "QuarantineBucketName": self.quarantine.bucket_name,
            "ClinicalDatastoreId": self.clinical.datastore_id,
            "ClinicalTableName": self.clinical.table.table_name,
            "ClinicalBucketName": self.clinical.bucket.bucket_name,
            "ResearchDatastoreId": self.research.datastore_id,
            "ResearchTableName": self.research.table.table_name,
            "ResearchBucketName": self.research.bucket.bucket_name,
        }
        for name, value in values.items():
            CfnOutput(self, name, value=value)
