"""The guards: each rule says no to what it is for, and yes to what this project deploys."""

import copy
from typing import Any

import pytest

from stacks.guards import GuardError, breaches_of, require
from tests.stacks.templates import ENVIRONMENTS, PARTS, template

KEY = {"Ref": "Key"}
BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
TLS_ONLY = {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}

SOUND: dict[str, Any] = {
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketEncryption": {"Rules": []}, "PublicAccessBlockConfiguration": BLOCKED},
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    },
    "BucketPolicy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": [TLS_ONLY]}},
    },
    "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": KEY}},
    "Queue": {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "KmsMasterKeyId": KEY,
            "VisibilityTimeout": 180,
            "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3},
        },
    },
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": KEY}},
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7, "KmsKeyId": KEY}},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Timeout": 30,
            "MemorySize": 512,
            "TracingConfig": {"Mode": "Active"},
            "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
        },
    },
    "Mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
            "FunctionName": {"Ref": "Function"},
        },
    },
    "Policy": {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyDocument": {
                "Statement": [
                    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::GetAtt": ["Bucket", "Arn"]}},
                    {"Effect": "Allow", "Action": ["xray:PutTraceSegments"], "Resource": "*"},
                ]
            }
        },
    },
}

BREACHES: dict[str, tuple[tuple[str, ...], object, str]] = {
    "unencrypted bucket": (("Bucket", "Properties", "BucketEncryption"), None, "not encrypted"),
    "bucket that a policy may open": (
        ("Bucket", "Properties", "PublicAccessBlockConfiguration"),
        {**BLOCKED, "BlockPublicPolicy": False},
        "made public",
    ),
    "bucket over plain HTTP": (("BucketPolicy", "Properties", "PolicyDocument"), {"Statement": []}, "without TLS"),
    "named bucket": (("Bucket", "Properties", "BucketName"), "scans", "physical name"),
    "bucket that goes with its stack": (("Bucket", "DeletionPolicy"), "Delete", "deleted with its stack"),
    "plain queue": (("Queue", "Properties", "KmsMasterKeyId"), None, "not encrypted"),
    "plain topic": (("Topic", "Properties", "KmsMasterKeyId"), None, "not encrypted"),
    "queue without a dead-letter queue": (("Queue", "Properties", "RedrivePolicy"), None, "no dead-letter queue"),
    "queue that shows messages too early": (("Queue", "Properties", "VisibilityTimeout"), 179, "before 180 s"),
    "function without a time-out": (("Function", "Properties", "Timeout"), None, "no explicit time-out"),
    "function without traces": (("Function", "Properties", "TracingConfig"), None, "not traced"),
    "function without a log group": (("Function", "Properties", "LoggingConfig"), None, "logs for ever"),
    "log group without end": (("Logs", "Properties", "RetentionInDays"), None, "no retention"),
    "wildcard action": (
        ("Policy", "Properties", "PolicyDocument"),
        {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn"}]},
        "more than it names",
    ),
    "scan": (
        ("Policy", "Properties", "PolicyDocument"),
        {"Statement": [{"Effect": "Allow", "Action": ["dynamodb:Query", "dynamodb:Scan"], "Resource": "arn"}]},
        "more than it names",
    ),
    "action on everything": (
        ("Policy", "Properties", "PolicyDocument"),
        {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]},
        "act on everything",
    ),
}


def changed(path: tuple[str, ...], value: object) -> dict[str, Any]:
    resources = copy.deepcopy(SOUND)
    place: Any = resources
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return {"Resources": resources}


class Assembly:
    """As much of a cloud assembly as the guards read."""

    def __init__(self, resources: dict[str, Any]) -> None:
        self.stacks = [self]
        self.stack_name = "dicomlake-test"
        self.template = {"Resources": resources}


def test_a_sound_template_breaks_nothing() -> None:
    assert breaches_of({"Resources": SOUND}, keeps_data=True) == []


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_named(breach: str) -> None:
    path, value, expected = BREACHES[breach]

    found = breaches_of(changed(path, value), keeps_data=True)

    assert any(expected in text for text in found)


def test_data_may_go_with_its_stack_where_the_environment_keeps_none() -> None:
    path, value, _ = BREACHES["bucket that goes with its stack"]

    assert breaches_of(changed(path, value), keeps_data=False) == []


def test_a_breach_fails_synthesis() -> None:
    broken = changed(("Topic", "Properties", "KmsMasterKeyId"), None)["Resources"]

    with pytest.raises(GuardError, match=r"dicomlake-test: AWS::SNS::Topic Topic is not encrypted"):
        require(Assembly(broken), keeps_data=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("part", PARTS)
def test_golden_templates_break_nothing(environment: str, part: str) -> None:
    assert breaches_of(template(environment, part), keeps_data=environment == "prod") == []
