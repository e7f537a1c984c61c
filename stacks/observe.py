"""What an operator is shown, and what wakes one: alarms on age, failures, settle time and the ledger's sum."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.api import ApiStack
from stacks.config import Environment
from stacks.constructs.lake_function import LakeFunction
from stacks.constructs.work_queue import WorkQueue
from stacks.ingest import IngestStack
from stacks.storage import StorageStack
from stacks.study import StudyStack

NAMESPACE = "dicomlake"
"""The namespace of the lake's own metrics; their one dimension is `environment`."""

PERIOD = Duration.minutes(1)


class ObserveStack(Stack):
    """Alarms and one dashboard. Nothing depends on it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        storage: StorageStack,
        ingest: IngestStack,
        study: StudyStack,
        api: ApiStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self.environment_ = environment
        key = kms.Key.from_key_arn(self, "LakeKey", storage.key.key_arn)
        self.alarms = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        self.functions: dict[str, LakeFunction] = {**ingest.functions, **study.functions, **api.functions}
        self.queues: dict[str, WorkQueue] = {**ingest.queues, **study.queues, **api.queues}
        machines = {"study": study.ordinary, "large-study": study.large, "large-object": ingest.large.machine}
        self._watch_queues(study.dead)
        self._watch_functions()
        self._watch_machines(machines)
        self._watch_the_lake()
        self._dashboard(api)
        CfnOutput(self, "AlarmTopicArn", value=self.alarms.topic_arn)

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, threshold: float, description: str, periods: int = 1
    ) -> None:
        """Tell the alarm topic when a metric is above its threshold; no data is no alarm."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.alarms))

    def _watch_queues(self, more_dead: Mapping[str, sqs.IQueue]) -> None:
        dead = {f"{name}-dead": work.dead for name, work in self.queues.items() if work.dead} | dict(more_dead)
        for name, work in self.queues.items():
            age = work.queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum")
            seconds = max(self.environment_.oldest_message_alarm_seconds, 6 * work.timeout_seconds)
            self._alarm(f"{_title(name)}Age", age, seconds, f"{name}: work waits longer than it should", periods=3)
        for name, queue in dead.items():
            depth = queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum")
            self._alarm(f"{_title(name)}Depth", depth, 0, f"{name}: messages kept failing; look, then redrive")

    def _watch_functions(self) -> None:
        for name, item in self.functions.items():
            errors = item.function.metric_errors(period=Duration.minutes(5))
            self._alarm(f"{name}Errors", errors, 5, f"{name}: more than 5 failed invocations in 5 minutes")

    def _watch_machines(self, machines: Mapping[str, sfn.IStateMachine]) -> None:
        for name, machine in machines.items():
            failed = machine.metric_failed(period=Duration.minutes(5))
            late = machine.metric_timed_out(period=Duration.minutes(5))
            self._alarm(f"{_title(name)}Failed", failed, 0, f"{name} machine: an execution failed")
            self._alarm(f"{_title(name)}TimedOut", late, 0, f"{name} machine: an execution took too long")

    def _watch_the_lake(self) -> None:
        settle = self.environment_.settle_alarm_seconds
        self._alarm(
            "SettleSeconds",
            self._metric("SettleSeconds", "p95"),
            settle,
            f"studies take more than {settle} s from last image to ready, beyond the quiet period",
            periods=3,
        )
        self._alarm(
            "RejectedObjects",
            self._metric("RejectedObjects", "Sum"),
            0,
            "objects went into quarantine for a reason that somebody should look at",
        )
        self._alarm(
            "VerifyMismatches",
            self._metric("VerifyMismatches", "Sum"),
            0,
            "what was encoded did not decode to its source: kept as it came, but an encoder or a machine is broken",
        )
        self._alarm(
            "EncoderFallbacks",
            self._metric("EncoderFallbacks", "Sum"),
            0,
            "the fast encoder failed its self-test: frames are exact all the same, and take twice as long",
        )
        self._alarm(
            "LedgerDrift",
            self._metric("LedgerDrift", "Maximum"),
            0,
            "landed = stored + duplicates + quarantined does not hold: the sweep met what the ledger cannot explain",
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"environment": self.environment_.name},
            statistic=statistic,
            period=PERIOD,
        )

    def _dashboard(self, api: ApiStack) -> None:
        queues, functions = self.queues.values(), self.functions.values()
        graphs: list[tuple[str, list[cloudwatch.IMetric]]] = [
            ("Oldest message (s)", [q.queue.metric_approximate_age_of_oldest_message() for q in queues]),
            ("Messages waiting", [q.queue.metric_approximate_number_of_messages_visible() for q in queues]),
            ("Function errors", [f.function.metric_errors() for f in functions]),
            ("Function duration, p95 (ms)", [f.function.metric_duration(statistic="p95") for f in functions]),
            ("Settle time, p95 (s)", [self._metric("SettleSeconds", "p95")]),
            ("Ledger drift (objects)", [self._metric("LedgerDrift", "Maximum")]),
            ("API: requests", [api.api.metric_count(), api.api.metric_client_error(), api.api.metric_server_error()]),
            ("API: latency, p95 (ms)", [api.api.metric_latency(statistic="p95")]),
        ]
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(3))
        for first in range(0, len(graphs), 2):
            pair = graphs[first : first + 2]
            dashboard.add_widgets(*(cloudwatch.GraphWidget(title=title, left=left, width=12) for title, left in pair))


def _title(name: str) -> str:
    return "".join(part.title() for part in name.split("-"))
