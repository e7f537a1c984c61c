"""The environments, as literals: everything in which dev, staging and prod differ is in this file."""

import hashlib
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

MEBIBYTE = 1024 * 1024

FEATURE_FLAGS: dict[str, object] = {
    "@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-stepfunctions-tasks:ecsReduceRunTaskPermissions": True,
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
}
"""Set in code, not in cdk.json, so that the templates do not depend on what runs app.py."""


@dataclass(frozen=True, slots=True)
class Work:
    """How one queue is worked: its function's time-out, its batches, and when a message has failed too often.

    A message that fails comes back after six time-outs (stacks/guards.py says why), so time-outs are as short as the
    work allows: 10 s for folding and settling, which lose races and look again; 30 s for a batch of ingest.
    """

    timeout_seconds: int
    concurrency: int
    tries: int
    batch_size: int = 10
    window_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ApiDomain:
    """A name of the API's own, with a certificate (in the API's region) that also covers its `runtime-` twin."""

    name: str
    certificate_arn: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """A load balancer and tasks for bodies of any size; `certificate_arn` is of its name, in the API's region."""

    certificate_arn: str
    clients: tuple[str, ...]
    """The networks that may reach it (CIDR): never all of the internet."""
    tasks: int = 1


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. Times are in seconds unless the name says otherwise."""

    name: str
    keeps_data: bool
    """Whether buckets, tables, the key and the secret outlive their stack."""
    restores_to_a_point: bool
    """Whether tables have point-in-time recovery."""
    log_retention: RetentionDays
    access_log_days: int
    ingest: Work
    ingest_one: Work
    study: Work
    deidentify: Work
    change: Work
    quiet_seconds: int
    settle_cap_seconds: int
    changes_batch_size: int
    changes_window_seconds: int
    """Commit rows that are numbered together, and how long the sequencer waits for them."""
    large_limit_bytes: int
    """Objects above this go to the Fargate task: `ingest` holds an object in memory."""
    sweep_minutes: int
    requests_per_second: int
    request_burst: int
    cors_origins: tuple[str, ...]
    abandoned_upload_days: int
    oldest_message_alarm_seconds: int
    settle_alarm_seconds: int
    authorization: str = "iam"
    """What the API asks of its callers: `iam` (SigV4), or `jwt` (tokens of the stack's user pool)."""
    api_domain: ApiDomain | None = None
    """The name that boto3's medical-imaging client is pointed at; without one clients switch host prefixes off."""
    rejects_conflicts: bool = False
    """Whether other content under a SOP Instance UID that is held is refused, instead of kept beside what is held."""
    gateway: Gateway | None = None
    """What takes bodies of any size; it costs money while nothing arrives (docs/cost.md)."""
    import_buckets: tuple[str, ...] = ()
    """Buckets of this account that import jobs read from and write their reports to, beside the landing bucket."""
    keeps_code_streams: bool = False
    """Whether RLE, JPEG lossless, JPEG-LS and JPEG 2000 stay as they came, to the byte, instead of becoming HTJ2K."""

    def __post_init__(self) -> None:
        """Refuse what may not be deployed: an API that knows nobody is the local gateway's alone."""
        if self.authorization not in ("iam", "jwt"):
            raise ValueError(f"{self.name}: the API's authorization is iam or jwt, not {self.authorization}")
        if self.gateway and self.authorization != "jwt":
            raise ValueError(f"{self.name}: a gateway's callers bring tokens; its authorization is jwt")

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What becomes of stateful resources when their stack is deleted."""
        return RemovalPolicy.RETAIN if self.keeps_data else RemovalPolicy.DESTROY

    def stack_name(self, part: str) -> str:
        """Return the name of one of this environment's stacks; the KMS key's policy relies on the prefix."""
        return f"dicomlake-{self.name}-{part}"

    def datastore_id(self, store: str) -> str:
        """Return a data store's id: 32 hex digits, the same at every synthesis."""
        return hashlib.sha256(f"dicomlake:{self.name}:{store}".encode()).hexdigest()[:32]


DEV = Environment(
    name="dev",
    keeps_data=False,
    restores_to_a_point=False,
    log_retention=RetentionDays.ONE_WEEK,
    access_log_days=7,
    # Two functions on two cores: with batches of 50 the first starts sooner, the last has less left to do alone.
    ingest=Work(timeout_seconds=30, concurrency=2, tries=5, batch_size=50, window_seconds=1),
    ingest_one=Work(timeout_seconds=60, concurrency=2, tries=2, batch_size=1),
    study=Work(timeout_seconds=10, concurrency=2, tries=5),
    deidentify=Work(timeout_seconds=300, concurrency=2, tries=3, batch_size=1),
    change=Work(timeout_seconds=120, concurrency=2, tries=5, batch_size=1),
    quiet_seconds=2,
    settle_cap_seconds=180,
    changes_batch_size=100,
    changes_window_seconds=1,
    large_limit_bytes=256 * MEBIBYTE,
    sweep_minutes=15,
    requests_per_second=200,
    request_burst=400,
    cors_origins=("http://localhost:3000", "http://localhost:8042"),
    abandoned_upload_days=1,
    oldest_message_alarm_seconds=900,
    settle_alarm_seconds=180,
)

STAGING = Environment(
    name="staging",
    keeps_data=False,
    restores_to_a_point=False,
    log_retention=RetentionDays.ONE_MONTH,
    access_log_days=30,
    ingest=Work(timeout_seconds=30, concurrency=10, tries=5, batch_size=300, window_seconds=3),
    ingest_one=Work(timeout_seconds=120, concurrency=5, tries=3, batch_size=1),
    study=Work(timeout_seconds=10, concurrency=5, tries=5, batch_size=50, window_seconds=3),
    deidentify=Work(timeout_seconds=900, concurrency=5, tries=3, batch_size=1),
    change=Work(timeout_seconds=120, concurrency=2, tries=5, batch_size=1),
    quiet_seconds=30,
    settle_cap_seconds=180,
    changes_batch_size=500,
    changes_window_seconds=5,
    large_limit_bytes=256 * MEBIBYTE,
    sweep_minutes=15,
    requests_per_second=500,
    request_burst=1000,
    cors_origins=(),
    abandoned_upload_days=3,
    oldest_message_alarm_seconds=300,
    settle_alarm_seconds=60,
)

PROD = Environment(
    name="prod",
    keeps_data=True,
    restores_to_a_point=True,
    log_retention=RetentionDays.THREE_MONTHS,
    access_log_days=90,
    ingest=Work(timeout_seconds=30, concurrency=100, tries=5, batch_size=300, window_seconds=3),
    ingest_one=Work(timeout_seconds=120, concurrency=20, tries=3, batch_size=1),
    study=Work(timeout_seconds=10, concurrency=20, tries=5, batch_size=50, window_seconds=3),
    deidentify=Work(timeout_seconds=900, concurrency=20, tries=3, batch_size=1),
    change=Work(timeout_seconds=120, concurrency=2, tries=5, batch_size=1),
    quiet_seconds=30,
    settle_cap_seconds=180,
    changes_batch_size=500,
    changes_window_seconds=5,
    large_limit_bytes=256 * MEBIBYTE,
    sweep_minutes=15,
    requests_per_second=2000,
    request_burst=4000,
    cors_origins=(),
    abandoned_upload_days=7,
    oldest_message_alarm_seconds=180,
    settle_alarm_seconds=60,
)

ENVIRONMENTS: dict[str, Environment] = {environment.name: environment for environment in (DEV, STAGING, PROD)}
