"""From a landed object to a committed instance: queues, functions, and the task for what is too large for them."""

from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks import grants, settings
from stacks.config import Environment, Work
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.large_machine import LargeMachine
from stacks.constructs.layers import Layers
from stacks.constructs.work_queue import WorkQueue
from stacks.storage import StorageStack

BRIEF = 30
"""Seconds for functions that move a reference from one place to another."""


class IngestStack(Stack):
    """Everything between the landing bucket and the event that says that instances are stored."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, storage: StorageStack, layers: Path
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment_ = environment
        self.storage = storage
        self.key = kms.Key.from_key_arn(self, "LakeKey", storage.key.key_arn)
        self.layers = Layers(self, "Layers", built=layers)
        self.events = sns.Topic(self, "LakeEvents", master_key=self.key, enforce_ssl=True)
        self._queues()
        self.ingest = self._ingest_function("Ingest", environment.ingest, self.ingest_work)
        self.ingest_one = self._ingest_function("IngestOne", environment.ingest_one, self.ingest_one_work)
        self.quarantine_crashed = self._quarantine_crashed()
        self.large = self._large_machine()
        self.start_large = self._start_large()
        self._outputs()

    @property
    def functions(self) -> dict[str, LakeFunction]:
        """This stack's functions by name, for the dashboard and the alarms."""
        return {
            "Ingest": self.ingest,
            "IngestOne": self.ingest_one,
            "QuarantineCrashed": self.quarantine_crashed,
            "StartLarge": self.start_large,
        }

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """This stack's queues by name."""
        return {
            "ingest-work": self.ingest_work,
            "ingest-one-work": self.ingest_one_work,
            "large-work": self.large_work,
            "crashed-work": self.crashed_work,
        }

    def _queues(self) -> None:
        work = self.environment_
        self.crashed_work = WorkQueue(self, "CrashedWork", key=self.key, timeout_seconds=BRIEF, tries=5)
        crashed = self.crashed_work.queue
        self.ingest_work = WorkQueue(
            self, "IngestWork", key=self.key, timeout_seconds=work.ingest.timeout_seconds, tries=work.ingest.tries
        )
        self.ingest_one_work = WorkQueue(
            self,
            "IngestOneWork",
            key=self.key,
            timeout_seconds=work.ingest_one.timeout_seconds,
            tries=work.ingest_one.tries,
            failures=crashed,
        )
        self.large_work = WorkQueue(self, "LargeWork", key=self.key, timeout_seconds=BRIEF, tries=5, failures=crashed)
        self.ingest_work.subscribe(self.storage.landed)

    def ingest_settings(self, stack: Stack) -> dict[str, str]:
        """Return what a function of a stack is told that decides landed objects."""
        return {
            **settings.stores(stack, self.storage.clinical),
            **settings.default_store(self.storage),
            **settings.secret(self.storage),
            **settings.landing(self.storage),
            **settings.quarantine(self.storage),
            "DICOMLAKE_EVENTS_TOPIC": self.events.topic_arn,
            **({"DICOMLAKE_CONFLICTS": "reject"} if self.environment_.rejects_conflicts else {}),
            **({"DICOMLAKE_CODE_STREAMS": "keep"} if self.environment_.keeps_code_streams else {}),
        }

    def grant_ingest(self, grantee: iam.IGrantable) -> None:
        """What storing one instance takes: read it, write its pack, commit it, tell of it, or quarantine it."""
        clinical = self.storage.clinical
        grants.use_key(grantee, self.key)
        grants.read_secret(grantee, self.storage.secret)
        grants.read_objects(grantee, self.storage.landing, clinical.bucket)
        grants.list_objects(grantee, self.storage.landing, clinical.bucket)
        grants.write_objects(grantee, clinical.bucket, self.storage.quarantine)
        grants.read_index(grantee, clinical.table)
        grants.write_index(grantee, clinical.table)
        grants.publish(grantee, self.events)

    def _ingest_function(self, name: str, work: Work, queue: WorkQueue) -> LakeFunction:
        function = LakeFunction(
            self,
            name,
            environment=self.environment_,
            folder="ingest_instances",
            key=self.key,
            layers=self.layers.for_pixels,
            timeout_seconds=work.timeout_seconds,
            memory=ONE_CORE,
            settings={
                **self.ingest_settings(self),
                "DICOMLAKE_INGEST_QUEUE_URL": self.ingest_work.queue.queue_url,
                "DICOMLAKE_INGEST_ONE_QUEUE_URL": self.ingest_one_work.queue.queue_url,
                "DICOMLAKE_LARGE_QUEUE_URL": self.large_work.queue.queue_url,
                "DICOMLAKE_LARGE_LIMIT": str(self.environment_.large_limit_bytes),
            },
        )
        self.grant_ingest(function.role)
        grants.send(function.role, self.ingest_work.queue, self.ingest_one_work.queue, self.large_work.queue)
        function.work(queue, work)
        return function

    def _quarantine_crashed(self) -> LakeFunction:
        storage = self.storage
        function = LakeFunction(
            self,
            "QuarantineCrashed",
            environment=self.environment_,
            folder="quarantine_crashed",
            key=self.key,
            layers=self.layers.for_look_ups,
            timeout_seconds=BRIEF,
            settings={
                **settings.stores(self, storage.clinical),
                **settings.default_store(storage),
                **settings.secret(storage),
                **settings.landing(storage),
                **settings.quarantine(storage),
            },
        )
        grants.use_key(function.role, self.key)
        grants.read_secret(function.role, storage.secret)
        grants.read_objects(function.role, storage.landing)
        grants.list_objects(function.role, storage.landing)
        grants.write_objects(function.role, storage.quarantine)
        grants.read_index(function.role, storage.clinical.table)
        grants.write_index(function.role, storage.clinical.table)
        function.work(self.crashed_work, Work(BRIEF, concurrency=2, tries=5))
        return function

    def _large_machine(self) -> LargeMachine:
        large = LargeMachine(
            self,
            "LargeMachine",
            environment=self.environment_,
            key=self.key,
            settings=self.ingest_settings(self),
            crashed=self.crashed_work.queue,
        )
        self.grant_ingest(large.grantee)
        return large

    def _start_large(self) -> LakeFunction:
        function = LakeFunction(
            self,
            "StartLarge",
            environment=self.environment_,
            folder="start_large",
            key=self.key,
            layers=self.layers.for_look_ups,
            timeout_seconds=BRIEF,
            settings={
                **settings.secret(self.storage),
                "DICOMLAKE_LARGE_MACHINE_ARN": self.large.machine.state_machine_arn,
            },
        )
        grants.use_key(function.role, self.key)
        grants.read_secret(function.role, self.storage.secret)
        grants.start(function.role, self.large.machine)
        function.work(self.large_work, Work(BRIEF, concurrency=2, tries=5))
        return function

    def _outputs(self) -> None:
        for name, queue in self.queues.items():
            title = "".join(part.title() for part in name.split("-"))
            CfnOutput(self, f"{title}QueueUrl", value=queue.queue.queue_url)
        CfnOutput(self, "EventsTopicArn", value=self.events.topic_arn)
        CfnOutput(self, "LargeMachineArn", value=self.large.machine.state_machine_arn)
