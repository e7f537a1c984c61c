"""From committed instances to a study that is ready, and to its de-identified copy."""

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import changing, grants, settings
from stacks.config import Environment
from stacks.constructs.lake_function import ONE_CORE, LakeFunction
from stacks.constructs.layers import Layers
from stacks.constructs.study_machine import StudyMachine
from stacks.constructs.work_queue import WorkQueue, dead_letters
from stacks.ingest import IngestStack
from stacks.storage import StorageStack

LONGEST = 900
"""Lambda's longest time-out: compaction and the sweep stop in time and are run again."""


class StudyStack(Stack):
    """Everything that listens to lake events and to the index."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        storage: StorageStack,
        ingest: IngestStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment_ = environment
        self.storage = storage
        self.ingest = ingest
        self.both = (storage.clinical, storage.research)
        self.tables = (storage.clinical.table, storage.research.table)
        self.buckets = (storage.clinical.bucket, storage.research.bucket)
        self.key = kms.Key.from_key_arn(self, "LakeKey", storage.key.key_arn)
        self.layers = Layers(self, "Layers", built=layers)
        self.functions: dict[str, LakeFunction] = {}
        self._queues()
        self._machines()
        self._track_and_settle()
        self._sequence_changes()
        self._sweep()
        self._deidentify()
        changing.change_study(self.function, self.changes, environment.change)
        self._outputs()

    def _queues(self) -> None:
        work = self.environment_
        study, events_topic = work.study, self.ingest.events
        self.study_work = WorkQueue(
            self, "StudyWork", key=self.key, timeout_seconds=study.timeout_seconds, tries=study.tries
        )
        self.study_work.subscribe(events_topic, type=["InstancesStored", "StudyChanged"])
        self.settle_work = WorkQueue(
            self, "SettleWork", key=self.key, timeout_seconds=study.timeout_seconds, tries=study.tries
        )
        self.change_work = WorkQueue(
            self, "ChangeWork", key=self.key, timeout_seconds=work.change.timeout_seconds, tries=work.change.tries
        )
        self.changes = changing.Changes(events_topic, self.change_work, self.tables, self.buckets)
        self.deidentify_work = WorkQueue(
            self,
            "DeidentifyWork",
            key=self.key,
            timeout_seconds=work.deidentify.timeout_seconds,
            tries=work.deidentify.tries,
        )
        self.deidentify_work.subscribe(events_topic, type=["StudyReady"], store=[self.storage.clinical.name])
        self.changes_dead = dead_letters(self, "ChangesDead", key=self.key)
        self.queues = {
            "study-work": self.study_work,
            "settle-work": self.settle_work,
            "deidentify-work": self.deidentify_work,
            "change-work": self.change_work,
        }

    def function(
        self,
        name: str,
        folder: str,
        *,
        timeout_seconds: int,
        memory: int = 512,
        pixels: bool = False,
        named: bool = False,
        more: dict[str, str] | None = None,
    ) -> LakeFunction:
        """Make a function of both data stores that may use the key; and the secret, if it makes keyed names."""
        function = LakeFunction(
            self,
            name,
            environment=self.environment_,
            folder=folder,
            key=self.key,
            layers=self.layers.for_pixels if pixels else self.layers.for_look_ups,
            timeout_seconds=timeout_seconds,
            memory=memory,
            settings={
                **settings.stores(self, *self.both),
                **(settings.secret(self.storage) if named else {}),
                **(more or {}),
            },
        )
        grants.use_key(function.role, self.key)
        if named:
            grants.read_secret(function.role, self.storage.secret)
        self.functions[name] = function
        return function

    def _keep_index(self, grantee: iam.IGrantable) -> None:
        grants.read_index(grantee, *self.tables)
        grants.write_index(grantee, *self.tables)

    def _machines(self) -> None:
        topic = {"DICOMLAKE_EVENTS_TOPIC": self.ingest.events.topic_arn}
        plan = self.function("PlanStudy", "plan_study", timeout_seconds=60)
        compact = self.function(
            "CompactSeries", "compact_series", timeout_seconds=LONGEST, memory=ONE_CORE, pixels=True, named=True
        )
        finish = self.function("FinishStudy", "finish_study", timeout_seconds=60, named=True, more=topic)
        grants.read_index(plan.role, *self.tables)
        self._keep_index(compact.role)
        self._keep_index(finish.role)
        grants.read_objects(compact.role, *self.buckets)
        grants.list_objects(compact.role, *self.buckets)
        grants.write_objects(compact.role, *self.buckets)
        grants.publish(finish.role, self.ingest.events)
        steps = {"plan": plan.function, "compact": compact.function, "finish": finish.function}
        self.ordinary = self._machine("StudyMachine", sfn.StateMachineType.EXPRESS, Duration.minutes(5), steps)
        self.large = self._machine("LargeStudyMachine", sfn.StateMachineType.STANDARD, Duration.hours(6), steps)

    def _machine(
        self, construct_id: str, kind: sfn.StateMachineType, timeout: Duration, steps: dict[str, lambda_.Function]
    ) -> sfn.StateMachine:
        return StudyMachine(
            self,
            construct_id,
            environment=self.environment_,
            kind=kind,
            timeout=timeout,
            key=self.key,
            plan=steps["plan"],
            compact=steps["compact"],
            finish=steps["finish"],
        ).machine

    def settle_settings(self) -> dict[str, str]:
        """Return what a function is told that folds studies."""
        return {
            "DICOMLAKE_SETTLE_QUEUE_URL": self.settle_work.queue.queue_url,
            "DICOMLAKE_QUIET_SECONDS": str(self.environment_.quiet_seconds),
            "DICOMLAKE_SETTLE_CAP_SECONDS": str(self.environment_.settle_cap_seconds),
        }

    def _study_settings(self) -> dict[str, str]:
        return {"DICOMLAKE_STUDY_QUEUE_URL": self.study_work.queue.queue_url}

    def _track_and_settle(self) -> None:
        work = self.environment_.study
        track = self.function(
            "TrackStudy",
            "track_study",
            timeout_seconds=work.timeout_seconds,
            more={**self.settle_settings(), **self._study_settings()},
        )
        grants.send(track.role, self.study_work.queue)
        machines = {
            "DICOMLAKE_STUDY_MACHINE_ARN": self.ordinary.state_machine_arn,
            "DICOMLAKE_LARGE_STUDY_MACHINE_ARN": self.large.state_machine_arn,
        }
        settle = self.function(
            "SettleStudy",
            "settle_study",
            timeout_seconds=work.timeout_seconds,
            named=True,
            more={**self.settle_settings(), **machines},
        )
        for function, queue in ((track, self.study_work), (settle, self.settle_work)):
            self._keep_index(function.role)
            grants.send(function.role, self.settle_work.queue)
            function.work(queue, work)
        grants.start(settle.role, self.ordinary, self.large)

    def _sequence_changes(self) -> None:
        """One sequencer per table: its stream tells of new commit rows, and of nothing else."""
        function = self.function("SequenceChanges", "sequence_changes", timeout_seconds=60)
        self._keep_index(function.role)
        failures = sqs.Queue.from_queue_arn(self, "ChangesFailures", self.changes_dead.queue_arn)
        new_commit = lambda_.FilterCriteria.filter(
            {
                "eventName": lambda_.FilterRule.is_equal("INSERT"),
                "dynamodb": {"Keys": {"sk": {"S": lambda_.FilterRule.begins_with("C#")}}},
            }
        )
        for table in self.tables:
            source = sources.DynamoEventSource(
                table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=self.environment_.changes_batch_size,
                max_batching_window=Duration.seconds(self.environment_.changes_window_seconds),
                bisect_batch_on_error=True,
                retry_attempts=10,
                filters=[new_commit],
                on_failure=sources.SqsDlq(failures),
            )
            function.function.add_event_source(source)

    def _sweep(self) -> None:
        sweep = self.function(
            "SweepLake",
            "sweep_lake",
            timeout_seconds=LONGEST,
            named=True,
            more={
                **settings.default_store(self.storage),
                **settings.research_store(self.storage),
                **settings.landing(self.storage),
                **settings.quarantine(self.storage),
                **self.settle_settings(),
                **self._study_settings(),
                "DICOMLAKE_EVENTS_TOPIC": self.ingest.events.topic_arn,
                "DICOMLAKE_INGEST_QUEUE_URL": self.ingest.ingest_work.queue.queue_url,
                "DICOMLAKE_DEIDENTIFY_QUEUE_URL": self.deidentify_work.queue.queue_url,
            },
        )
        self._keep_index(sweep.role)
        grants.read_objects(sweep.role, self.storage.landing, self.storage.quarantine, *self.buckets)
        grants.list_objects(sweep.role, self.storage.landing, self.storage.quarantine, *self.buckets)
        grants.write_objects(sweep.role, *self.buckets)
        grants.delete_objects(sweep.role, *self.buckets)
        works = (self.ingest.ingest_work, self.study_work, self.settle_work, self.deidentify_work)
        grants.send(sweep.role, *(work.queue for work in works))
        grants.publish(sweep.role, self.ingest.events)
        events.Rule(
            self,
            "SweepTimer",
            description="dicomlake: compare the buckets with the ledger and repair what no event told of",
            schedule=events.Schedule.rate(Duration.minutes(self.environment_.sweep_minutes)),
            targets=[targets.LambdaFunction(sweep.function)],
        )

    def _deidentify(self) -> None:
        """Reads clinical, writes research; never the other way."""
        work = self.environment_.deidentify
        function = self.function(
            "DeidentifyStudy",
            "deidentify_study",
            timeout_seconds=work.timeout_seconds,
            memory=2 * ONE_CORE,
            pixels=True,
            named=True,
            more={
                **settings.default_store(self.storage),
                **settings.research_store(self.storage),
                "DICOMLAKE_EVENTS_TOPIC": self.ingest.events.topic_arn,
                "DICOMLAKE_DEIDENTIFY_QUEUE_URL": self.deidentify_work.queue.queue_url,
            },
        )
        clinical, research = self.both
        grants.read_index(function.role, clinical.table, research.table)
        grants.write_index(function.role, research.table)
        grants.read_objects(function.role, clinical.bucket, research.bucket)
        grants.list_objects(function.role, clinical.bucket, research.bucket)
        grants.write_objects(function.role, research.bucket)
        grants.publish(function.role, self.ingest.events)
        grants.send(function.role, self.deidentify_work.queue)
        function.work(self.deidentify_work, work)

    @property
    def dead(self) -> dict[str, sqs.IQueue]:
        """Dead-letter queues that belong to no work queue."""
        return {"changes-dead": self.changes_dead}

    def _outputs(self) -> None:
        CfnOutput(self, "SweepFunctionName", value=self.functions["SweepLake"].function.function_name)
        CfnOutput(self, "StudyMachineArn", value=self.ordinary.state_machine_arn)
        CfnOutput(self, "LargeStudyMachineArn", value=self.large.state_machine_arn)
        CfnOutput(self, "StudyWorkQueueUrl", value=self.study_work.queue.queue_url)
        CfnOutput(self, "SettleWorkQueueUrl", value=self.settle_work.queue.queue_url)
        CfnOutput(self, "ChangeWorkQueueUrl", value=self.change_work.queue.queue_url)
        CfnOutput(self, "DeidentifyWorkQueueUrl", value=self.deidentify_work.queue.queue_url)
