"""The way of objects too large for a function's memory: a Standard machine that runs one Fargate task per object."""

from collections.abc import Mapping

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks import grants
from stacks.config import Environment
from stacks.constructs.layers import NOT_CODE, ROOT
from stacks.constructs.study_machine import traced_machine

CONTEXT = ["*", "!layers/core/python", "!layers/deps", "!functions/large_instance", *NOT_CODE]
"""What the image is built from, in .dockerignore's words: the task's folder, the package and its requirements."""

START_FAULTS = ["ECS.AmazonECSException", "ECS.ServerException", "ECS.ThrottlingException"]
LONGEST = Duration.hours(6)


class LargeMachine(Construct):
    """Runs functions/large_instance with the IngestObject command in DICOMLAKE_MESSAGE.

    A task that fails twice (the task itself quarantines what is permanently wrong and ends well) sends its command to
    `crashed`, whose function quarantines it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        key: kms.IKey,
        settings: Mapping[str, str],
        crashed: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vpc = public_network(self)
        self.cluster = ecs.Cluster(self, "Cluster", vpc=self.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
        self.task = self._task()
        self.container = self._container(environment, key, settings)
        run = self._run()
        run.add_catch(self._give_up(crashed), errors=["States.ALL"])
        self.machine = traced_machine(self, environment, sfn.StateMachineType.STANDARD, LONGEST, key, run)
        grants.use_key(self.machine, key)

    @property
    def grantee(self) -> iam.IGrantable:
        """The task, to which the stack gives what its use case needs."""
        return self.task.task_role

    def _task(self) -> ecs.FargateTaskDefinition:
        platform = ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
        )
        return ecs.FargateTaskDefinition(self, "Task", cpu=1024, memory_limit_mib=2048, runtime_platform=platform)

    def _container(
        self, environment: Environment, key: kms.IKey, settings: Mapping[str, str]
    ) -> ecs.ContainerDefinition:
        log_group = logs.LogGroup(
            self,
            "TaskLogs",
            retention=environment.log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return self.task.add_container(
            "large-instance",
            image=ecs.ContainerImage.from_asset(
                str(ROOT),
                file="functions/large_instance/Dockerfile",
                exclude=CONTEXT,
                ignore_mode=IgnoreMode.DOCKER,
            ),
            environment={"DICOMLAKE_ENVIRONMENT": environment.name, **settings},
            logging=ecs.LogDriver.aws_logs(stream_prefix="large-instance", log_group=log_group),
        )

    def _run(self) -> tasks.EcsRunTask:
        message = tasks.TaskEnvironmentVariable(
            name="DICOMLAKE_MESSAGE", value=sfn.JsonPath.json_to_string(sfn.JsonPath.object_at("$"))
        )
        run = tasks.EcsRunTask(
            self,
            "RunTask",
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            cluster=self.cluster,
            task_definition=self.task,
            launch_target=tasks.EcsFargateLaunchTarget(platform_version=ecs.FargatePlatformVersion.LATEST),
            assign_public_ip=True,
            subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[_outbound_only(self, self.vpc)],
            container_overrides=[tasks.ContainerOverride(container_definition=self.container, environment=[message])],
            result_path=sfn.JsonPath.DISCARD,
        )
        run.add_retry(errors=START_FAULTS, interval=Duration.seconds(5), backoff_rate=2, max_attempts=6)
        run.add_retry(errors=["States.TaskFailed"], interval=Duration.seconds(30), max_attempts=1)
        return run

    def _give_up(self, crashed: sqs.IQueue) -> tasks.SqsSendMessage:
        target = sqs.Queue.from_queue_attributes(
            self, "Crashed", queue_arn=crashed.queue_arn, queue_url=crashed.queue_url
        )
        return tasks.SqsSendMessage(
            self,
            "SendToCrashed",
            queue=target,
            message_body=sfn.TaskInput.from_json_path_at("$$.Execution.Input"),
        )


def public_network(scope: Construct) -> ec2.Vpc:
    """Public subnets only: no NAT gateway (33 USD a month at rest); the bulk goes through the gateway endpoints."""
    return ec2.Vpc(
        scope,
        "Network",
        max_azs=2,
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24)],
        gateway_endpoints={
            "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            "DynamoDB": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        },
    )


def _outbound_only(scope: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    """Nothing comes in; TLS goes out."""
    group = ec2.SecurityGroup(
        scope,
        "Outbound",
        vpc=vpc,
        allow_all_outbound=False,
        description="dicomlake large_instance: TLS out, nothing in",
    )
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "TLS to AWS endpoints")
    return group
