"""A function as this project makes them: own role, own log group, traced, and told only what it needs."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.config import Environment, Work
from stacks.constructs.layers import NOT_CODE, ROOT, RUNTIME
from stacks.constructs.work_queue import WorkQueue

ONE_CORE = 1769
"""MB of memory at which Lambda gives one whole vCPU; below it, a codec waits."""


class LakeFunction(Construct):
    """A deployed entry point: functions/<folder>/handler.py."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        folder: str,
        key: kms.IKey,
        layers: Sequence[lambda_.ILayerVersion],
        settings: Mapping[str, str],
        timeout_seconds: int,
        memory: int = 512,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=environment.log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.X86_64,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(ROOT / "functions" / folder), exclude=NOT_CODE),
            layers=list(layers),
            role=self.role,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            timeout=Duration.seconds(timeout_seconds),
            memory_size=memory,
            environment={"DICOMLAKE_ENVIRONMENT": environment.name, **settings},
        )

    def work(self, queue: WorkQueue, work: Work) -> None:
        """Work a queue; the messages that failed are named one by one and only those come back."""
        self.function.add_event_source(
            sources.SqsEventSource(
                queue.queue,
                batch_size=work.batch_size,
                max_batching_window=Duration.seconds(work.window_seconds) if work.window_seconds else None,
                max_concurrency=work.concurrency,
                report_batch_item_failures=True,
            )
        )
