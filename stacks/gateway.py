"""The gateway (optional): a load balancer and Fargate tasks that run the API's own code for bodies of any size."""

from aws_cdk import CfnOutput, Duration, IgnoreMode, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks import grants, settings
from stacks.api import ApiStack
from stacks.config import Environment, Gateway
from stacks.constructs.large_machine import public_network
from stacks.constructs.layers import NOT_CODE, ROOT
from stacks.ingest import IngestStack
from stacks.storage import StorageStack
from stacks.study import StudyStack

CONTEXT = ["*", "!layers/core/python", "!layers/deps", "!functions/gateway", *NOT_CODE]
PORT = 8080
OPEN_PATHS = (
    ("/links/*", "/datastore", "/datastore/*", "/tags/*"),
    ("/startDICOMImportJob/*", "/getDICOMImportJob/*", "/listDICOMImportJobs/*"),
)
"""Paths whose callers prove who they are to the task itself (entry/incoming.py); a rule takes five at most."""


class GatewayStack(Stack):
    """Callers bring tokens of the environment's user pool, which the load balancer checks; bodies are streamed."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        gateway: Gateway,
        storage: StorageStack,
        ingest: IngestStack,
        study: StudyStack,
        api: ApiStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment_, self.gateway = environment, gateway
        self.storage, self.ingest, self.study, self.api = storage, ingest, study, api
        self.key = kms.Key.from_key_arn(self, "LakeKey", storage.key.key_arn)
        self.vpc = public_network(self)
        self.balancer = self._balancer()
        self.service = self._service()
        self._listen()
        CfnOutput(self, "GatewayName", value=self.balancer.load_balancer_dns_name)

    def _balancer(self) -> elb.ApplicationLoadBalancer:
        group = ec2.SecurityGroup(
            self, "FromClients", vpc=self.vpc, allow_all_outbound=False, description="dicomlake gateway: TLS in"
        )
        for network in self.gateway.clients:
            group.add_ingress_rule(ec2.Peer.ipv4(network), ec2.Port.tcp(443), "TLS from clients")
        return elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self.vpc,
            internet_facing=True,
            security_group=group,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elb.DesyncMitigationMode.STRICTEST,
            deletion_protection=self.environment_.keeps_data,
        )

    def _service(self) -> ecs.FargateService:
        group = ec2.SecurityGroup(
            self, "FromBalancer", vpc=self.vpc, allow_all_outbound=False, description="dicomlake gateway: TLS out"
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "TLS to AWS endpoints")
        service = ecs.FargateService(
            self,
            "Service",
            cluster=ecs.Cluster(self, "Cluster", vpc=self.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED),
            task_definition=self._task(),
            desired_count=self.gateway.tasks,
            min_healthy_percent=100,
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[group],
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            health_check_grace_period=Duration.seconds(30),
        )
        scaling = service.auto_scale_task_count(min_capacity=self.gateway.tasks, max_capacity=4 * self.gateway.tasks)
        scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        return service

    def _task(self) -> ecs.FargateTaskDefinition:
        platform = ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
        )
        task = ecs.FargateTaskDefinition(self, "Task", cpu=1024, memory_limit_mib=2048, runtime_platform=platform)
        log_group = logs.LogGroup(
            self,
            "TaskLogs",
            retention=self.environment_.log_retention,
            encryption_key=self.key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        image = ecs.ContainerImage.from_asset(
            str(ROOT), file="functions/gateway/Dockerfile", exclude=CONTEXT, ignore_mode=IgnoreMode.DOCKER
        )
        task.add_container(
            "gateway",
            image=image,
            environment=self._settings(),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            logging=ecs.LogDriver.aws_logs(stream_prefix="gateway", log_group=log_group),
        )
        self._grant(task)
        return task

    def _settings(self) -> dict[str, str]:
        storage = self.storage
        return {
            **self.ingest.ingest_settings(self),
            **self.study.settle_settings(),
            **settings.stores(self, storage.clinical, storage.research),
            **settings.research_store(storage),
            **settings.link_key(storage),
            **settings.quarantine(storage),
            "DICOMLAKE_ENVIRONMENT": self.environment_.name,
            "DICOMLAKE_INGEST_QUEUE_URL": self.ingest.ingest_work.queue.queue_url,
            "DICOMLAKE_CHANGE_QUEUE_URL": self.study.change_work.queue.queue_url,
            "DICOMLAKE_DEIDENTIFY_QUEUE_URL": self.study.deidentify_work.queue.queue_url,
            "DICOMLAKE_PORT": str(PORT),
        }

    def _grant(self, task: ecs.FargateTaskDefinition) -> None:
        """The rights of the functions whose work it does, together."""
        role, storage = task.task_role, self.storage
        stores = (storage.clinical, storage.research)
        self.ingest.grant_ingest(role)
        grants.read_secret(role, storage.link_secret)
        grants.read_index(role, storage.research.table)
        grants.write_index(role, storage.research.table)
        grants.read_objects(role, storage.quarantine, *(store.bucket for store in stores))
        grants.write_objects(role, storage.landing)
        grants.list_objects(role, storage.quarantine)
        for store in stores:
            grants.write_answers(role, store.bucket)
        grants.write_journal(role, *(store.bucket for store in stores))
        study = self.study
        queues = (self.ingest.ingest_work, study.settle_work, study.change_work, study.deidentify_work)
        grants.send(role, *(work.queue for work in queues))

    def _listen(self) -> None:
        listener = self.balancer.add_listener(
            "Tls",
            port=443,
            open=False,
            certificates=[acm.Certificate.from_certificate_arn(self, "Certificate", self.gateway.certificate_arn)],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=elb.ListenerAction.fixed_response(404),
        )
        targets = elb.ApplicationTargetGroup(
            self,
            "Tasks",
            vpc=self.vpc,
            port=PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[self.service],
            deregistration_delay=Duration.seconds(60),
            health_check=elb.HealthCheck(path="/health", healthy_http_codes="204"),
        )
        onward = elb.ListenerAction.forward([targets])
        known = elb.ListenerAction.authenticate_jwt(
            issuer=self.api.sign_in.issuer,
            jwks_endpoint=f"{self.api.sign_in.issuer}/.well-known/jwks.json",
            next=onward,
        )
        conditions = [elb.ListenerCondition.path_patterns(list(paths)) for paths in OPEN_PATHS]
        conditions.append(elb.ListenerCondition.http_request_methods(["OPTIONS"]))
        for number, condition in enumerate(conditions, 1):
            listener.add_action(f"Open{number}", priority=number, conditions=[condition], action=onward)
        everything = elb.ListenerCondition.path_patterns(["/*"])
        listener.add_action("Known", priority=10, conditions=[everything], action=known)
