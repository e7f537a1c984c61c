"""The study machine: plan, compact each series, finish. One definition, deployed as Express and as Standard."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.config import Environment

RETRYABLE = [
    "ThrottledError",
    "UnavailableError",
    "UnreadableError",
    "LostRaceError",
    "OutOfTimeError",
    "UnexpectedError",
]
"""The RetryableError family of dicomlake.domain.errors, by class name; a test compares both."""

LAMBDA_FAULTS = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Sandbox.Timedout",
]
SERIES_AT_ONCE = 4


class StudyMachine(Construct):
    """Settles one generation of a study.

    Input: the SettleStudy command. `plan_study` returns a StudyPlan; `compact_series` is given each of its `series`, a
    whole command, as it is; a plan with `after` is planned on, since a state holds 256 KiB; `finish_study` is given the
    last plan and publishes StudyReady. Nothing is caught: every step may run twice, and the sweep starts a failed
    generation again.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        kind: sfn.StateMachineType,
        timeout: Duration,
        key: kms.IKey,
        plan: lambda_.IFunction,
        compact: lambda_.IFunction,
        finish: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        each = sfn.Map(
            self,
            "EachSeries",
            items_path="$.series",
            max_concurrency=SERIES_AT_ONCE,
            result_path=sfn.JsonPath.DISCARD,
        )
        each.item_processor(self._step("CompactSeries", compact))
        steps = self._step("PlanStudy", plan).next(each)
        planned_all = sfn.Condition.string_equals("$.after", "")
        each.next(
            sfn.Choice(self, "PlannedAll")
            .when(planned_all, self._step("FinishStudy", finish))
            .otherwise(steps.start_state)
        )
        self.machine = traced_machine(self, environment, kind, timeout, key, steps)

    def _step(self, construct_id: str, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        step = tasks.LambdaInvoke(
            self,
            construct_id,
            lambda_function=function,
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        step.add_retry(
            errors=[*RETRYABLE, *LAMBDA_FAULTS],
            interval=Duration.seconds(1),
            backoff_rate=2,
            max_attempts=5,
            max_delay=Duration.seconds(20),
            jitter_strategy=sfn.JitterType.FULL,
        )
        step.add_retry(errors=["States.TaskFailed"], interval=Duration.seconds(2), max_attempts=1)
        return step


def traced_machine(
    scope: Construct,
    environment: Environment,
    kind: sfn.StateMachineType,
    timeout: Duration,
    key: kms.IKey,
    steps: sfn.IChainable,
) -> sfn.StateMachine:
    """Make a machine whose state is encrypted under the lake's key and whose log never holds its input or output."""
    log_group = logs.LogGroup(
        scope,
        "Logs",
        retention=environment.log_retention,
        encryption_key=key,
        removal_policy=RemovalPolicy.DESTROY,
    )
    return sfn.StateMachine(
        scope,
        "Machine",
        state_machine_type=kind,
        definition_body=sfn.DefinitionBody.from_chainable(steps),
        timeout=timeout,
        tracing_enabled=True,
        encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(key),
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
    )
