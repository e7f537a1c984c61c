"""The customer's key, under which everything the lake holds is encrypted."""

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.config import Environment

MESSENGERS = ("s3", "sns", "cloudwatch")
"""Services that send to the lake's encrypted topics and queues on this account's behalf."""


class LakeKey(Construct):
    """A rotated key. Its policy names services and this account, never a resource of a later stack (no cycles)."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"dicomlake {environment.name}: everything at rest",
            enable_key_rotation=True,
            removal_policy=environment.removal_policy,
        )
        self.key.add_to_resource_policy(self._messengers())
        self.key.add_to_resource_policy(self._logs(environment))
        self.key.add_to_resource_policy(self._execution_logs())

    def _messengers(self) -> iam.PolicyStatement:
        """A publisher to an encrypted topic, and a topic to an encrypted queue, need the key."""
        return iam.PolicyStatement(
            sid="EncryptedMessages",
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com") for service in MESSENGERS],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )

    def _logs(self, environment: Environment) -> iam.PolicyStatement:
        """Log groups of this environment's stacks; CloudFormation begins their names with the stack's."""
        groups = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{environment.stack_name('*')}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        return iam.PolicyStatement(
            sid="EncryptedLogs",
            principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
            actions=[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )

    def _execution_logs(self) -> iam.PolicyStatement:
        """Step Functions' history is encrypted under this key; its log delivery reads it to write the log."""
        source = Stack.of(self).format_arn(service="logs", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)
        return iam.PolicyStatement(
            sid="ExecutionLogs",
            principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
            actions=["kms:Decrypt"],
            resources=["*"],
            conditions={"ArnLike": {"aws:SourceArn": source}},
        )
