"""Rules that a template of this project keeps; a breach fails synthesis, whoever runs it.

Each rule reads a synthesized template, so it sees what deploys, whichever construct wrote it. There is no suppression
list: an exception is a change of a rule, with its reason, here.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

Json = Mapping[str, Any]
Rule = Callable[[Json], Iterator[str]]

VISIBILITY_FACTOR = 6
"""A message stays hidden for six time-outs of its function: AWS's rule, so that throttled polls do not count as tries.

The other side of it: a batch whose process dies comes back only after that time, so ingest's time-out is short (30 s,
back after 3 minutes) and what takes longer goes one by one through ingest-one, where nobody else waits for it."""

STATEFUL = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::KMS::Key": None,
    "AWS::SecretsManager::Secret": "Name",
}
"""What holds state, and the property by which it would get a fixed name: then it could never be replaced."""

WITHOUT_RESOURCE = {
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions that AWS does not let one narrow to a resource."""

OF_TASKS_TO_COME = {"ecs:DescribeTasks", "ecs:StopTask"}
"""What `ecs:runTask.sync` does to the task it ran, whose ARN is made then; CDK's integration grants it on `*`."""


class GuardError(Exception):
    """A template breaks the project's rules; the text lists where and how."""


def require(assembly: "CloudAssembly", *, keeps_data: bool) -> None:
    """Raise GuardError if any stack of the assembly breaks a rule."""
    breaches = [
        f"{stack.stack_name}: {text}"
        for stack in assembly.stacks
        for text in breaches_of(stack.template, keeps_data=keeps_data)
    ]
    if breaches:
        raise GuardError("\n".join(["the templates break rules of stacks/guards.py:", *breaches]))


def breaches_of(template: Json, *, keeps_data: bool) -> list[str]:
    """Return what a template breaks, one sentence each."""
    rules = (*RULES, kept_data_outlives_its_stack) if keeps_data else RULES
    return [text for rule in rules for text in rule(template["Resources"])]


def _of(resources: Json, kind: str) -> Iterator[tuple[str, Json]]:
    for name, resource in resources.items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def _names(value: object) -> set[str]:
    """The logical ids that a value refers to."""
    if isinstance(value, Mapping):
        if "Ref" in value:
            return {str(value["Ref"])}
        if "Fn::GetAtt" in value:
            return {str(value["Fn::GetAtt"][0])}
        return set().union(*(_names(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_names(item) for item in value))
    return set()


def _statements(properties: Json) -> list[Json]:
    documents = [properties.get("PolicyDocument"), *(p["PolicyDocument"] for p in properties.get("Policies", []))]
    return [statement for document in documents if document for statement in document["Statement"]]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def buckets_are_encrypted_and_private(resources: Json) -> Iterator[str]:
    """Every bucket: default encryption, and all four ways of public access blocked."""
    switches = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    for name, bucket in _of(resources, "AWS::S3::Bucket"):
        if not bucket.get("BucketEncryption"):
            yield f"bucket {name} is not encrypted"
        block = bucket.get("PublicAccessBlockConfiguration", {})
        if not all(block.get(switch) is True for switch in switches):
            yield f"bucket {name} can be made public"


def buckets_take_tls_only(resources: Json) -> Iterator[str]:
    """Every bucket: a policy that denies what does not come over TLS."""
    closed: set[str] = set()
    for _, policy in _of(resources, "AWS::S3::BucketPolicy"):
        for statement in _statements(policy):
            insecure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
            if statement["Effect"] == "Deny" and insecure:
                closed |= _names(policy["Bucket"])
    for name, _ in _of(resources, "AWS::S3::Bucket"):
        if name not in closed:
            yield f"bucket {name} takes requests without TLS"


def queues_and_topics_are_encrypted(resources: Json) -> Iterator[str]:
    """Every queue and topic: the customer's key."""
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for name, item in _of(resources, kind):
            if not item.get("KmsMasterKeyId"):
                yield f"{kind} {name} is not encrypted under the customer's key"


def queues_have_a_place_for_failures(resources: Json) -> Iterator[str]:
    """Every queue: a dead-letter queue, or is itself one."""
    dead: set[str] = set()
    for _, queue in _of(resources, "AWS::SQS::Queue"):
        dead |= _names(queue.get("RedrivePolicy", {}))
    for _, mapping in _of(resources, "AWS::Lambda::EventSourceMapping"):
        dead |= _names(mapping.get("DestinationConfig", {}))
    for name, queue in _of(resources, "AWS::SQS::Queue"):
        if not queue.get("RedrivePolicy") and name not in dead:
            yield f"queue {name} has no dead-letter queue"


def messages_stay_hidden_long_enough(resources: Json) -> Iterator[str]:
    """Every worked queue: visibility of at least six time-outs of its function."""
    queues = dict(_of(resources, "AWS::SQS::Queue"))
    functions = dict(_of(resources, "AWS::Lambda::Function"))
    for _, mapping in _of(resources, "AWS::Lambda::EventSourceMapping"):
        for queue in _names(mapping["EventSourceArn"]) & queues.keys():
            for function in _names(mapping["FunctionName"]) & functions.keys():
                needed = VISIBILITY_FACTOR * functions[function].get("Timeout", 3)
                if queues[queue].get("VisibilityTimeout", 30) < needed:
                    yield f"queue {queue} shows messages again before {needed} s, the time {function} may need"


def functions_are_bounded_logged_and_traced(resources: Json) -> Iterator[str]:
    """Every function: explicit time-out and memory, X-Ray, and a log group that ends."""
    groups = {name for name, group in _of(resources, "AWS::Logs::LogGroup") if group.get("RetentionInDays")}
    for name, function in _of(resources, "AWS::Lambda::Function"):
        if not (function.get("Timeout") and function.get("MemorySize")):
            yield f"function {name} has no explicit time-out or memory"
        if function.get("TracingConfig", {}).get("Mode") != "Active":
            yield f"function {name} is not traced"
        if not _names(function.get("LoggingConfig", {})) & groups:
            yield f"function {name} logs for ever"


def log_groups_end_and_are_encrypted(resources: Json) -> Iterator[str]:
    """Every log group: retention and the customer's key."""
    for name, group in _of(resources, "AWS::Logs::LogGroup"):
        if not (group.get("RetentionInDays") and group.get("KmsKeyId")):
            yield f"log group {name} has no retention or no key"


def stateful_things_have_no_name(resources: Json) -> Iterator[str]:
    """Whatever holds state: named by CloudFormation, so that it can be replaced and deployed twice."""
    for kind, named_by in STATEFUL.items():
        for name, item in _of(resources, kind):
            if named_by in item:
                yield f"{kind} {name} has a physical name"


def kept_data_outlives_its_stack(resources: Json) -> Iterator[str]:
    """Where the environment keeps data: whatever holds state is retained."""
    for name, resource in resources.items():
        kept = resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
        if resource["Type"] in STATEFUL and not kept:
            yield f"{resource['Type']} {name} would be deleted with its stack"


def principals_may_only_what_is_named(resources: Json) -> Iterator[str]:
    """Every policy of a principal: no wildcard action, no Scan, and `*` as a resource only where AWS knows no other."""
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role"):
        for name, item in _of(resources, kind):
            for statement in _statements(item):
                actions = set(_listed(statement["Action"]))
                if any("*" in action for action in actions) or "dynamodb:Scan" in actions:
                    yield f"{name} may do more than it names: {sorted(actions)}"
                unbounded = actions - WITHOUT_RESOURCE - OF_TASKS_TO_COME
                if "*" in _listed(statement["Resource"]) and unbounded:
                    yield f"{name} may act on everything: {sorted(unbounded)}"


RULES: tuple[Rule, ...] = (
    buckets_are_encrypted_and_private,
    buckets_take_tls_only,
    queues_and_topics_are_encrypted,
    queues_have_a_place_for_failures,
    messages_stay_hidden_long_enough,
    functions_are_bounded_logged_and_traced,
    log_groups_end_and_are_encrypted,
    stateful_things_have_no_name,
    principals_may_only_what_is_named,
)
