"""A small template of the lake's own shapes, for tests of the host: two stacks joined by an export.

Storage -> events -> queue -> function with a layer -> table; a table's stream; Standard machine with Retry by error
name and `ecs:runTask.sync`; HTTP API with IAM routes; roles of a reader and an operator.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import boto3

ASSETS_BUCKET = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}
IMAGE_TAG = "small-task"

PROBE = '''\
"""A handler that does what its event asks, for the tests of the host."""

import json
import os
import sys
import time
import urllib.parse

import boto3
from shared import greeting


class SlowDownError(Exception):
    """Named in the state machine's Retry."""


def on_message(event, context):
    """Read each landed object by version and write a row that says so."""
    s3, table = boto3.client("s3"), boto3.client("dynamodb")
    for message in event["Records"]:
        for record in json.loads(message["body"]).get("Records", []):
            place = record["s3"]
            key = urllib.parse.unquote_plus(place["object"]["key"])
            body = s3.get_object(
                Bucket=place["bucket"]["name"], Key=key, VersionId=place["object"]["versionId"]
            )["Body"].read()
            row = {"pk": key, "size": str(len(body)), "batch": str(len(event["Records"]))}
            table.put_item(TableName=os.environ["TABLE"], Item={name: {"S": value} for name, value in row.items()})
    return {"batchItemFailures": []}


def on_stream(event, context):
    """Count what the stream delivers."""
    table = boto3.client("dynamodb")
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["pk"]["S"]
        if not key.startswith("seen-"):
            table.put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": "seen-" + key}})


def on_step(event, context):
    """Fail twice by name, then succeed."""
    table = boto3.client("dynamodb")
    answer = table.update_item(
        TableName=os.environ["TABLE"], Key={"pk": {"S": "attempts"}}, UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}}, ReturnValues="ALL_NEW",
    )
    if int(answer["Attributes"]["n"]["N"]) < 3:
        raise SlowDownError("not yet")
    return {"attempts": int(answer["Attributes"]["n"]["N"])}


def on_request(event, context):
    """Answer as the path asks."""
    path = event["rawPath"]
    caller = event["requestContext"]["authorizer"]["iam"]["userArn"]
    if "/research/" in path and os.environ["OPERATOR_ROLE"] not in caller:
        return {"statusCode": 403, "body": json.dumps({"message": "Forbidden"})}
    if path.endswith("/fail"):
        raise RuntimeError("the text of this error stays inside")
    if path.endswith("/large"):
        return {"statusCode": 200, "body": "x" * 7_000_000}
    if path.endswith("/slow"):
        time.sleep(4)
    told = {"caller": caller, "path": path, "query": event["rawQueryString"], "greeting": greeting()}
    told["size"] = len(event.get("body", ""))
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(told)}


def on_event(event, context):
    """Do to the process what the event asks."""
    print("handling", event.get("do"))
    if event.get("do") == "exit":
        sys.stdout.flush()
        os._exit(7)
    if event.get("do") == "sleep":
        time.sleep(30)
    if event.get("do") == "raise":
        raise SlowDownError("as raised")
    if event.get("do") == "fill":
        kept = bytearray(event["megabytes"] << 20)
        time.sleep(30)
        return len(kept)
    if event.get("do") == "answer":
        return "x" * event["bytes"]
    if event.get("do") == "environment":
        return dict(os.environ)
    return {"pid": os.getpid(), "greeting": greeting(), "left": context.get_remaining_time_in_millis()}
'''

TASK = '''\
"""A task that writes a row and ends with the code it is given."""

import os
import sys

import boto3

print("task starts")
boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": "task"}, "word": {"S": sys.argv[1]}})
sys.exit(int(os.environ.get("END_WITH", "0")))
'''

DOCKERFILE = """\
FROM public.ecr.aws/docker/library/python:3.13-slim
WORKDIR /app
COPY main.py ./
ENTRYPOINT ["python", "/app/main.py"]
CMD ["stored"]
"""


def write(root: Path, *, greeting: str = "hello") -> Path:
    """Write templates, manifest and asset directories below `root`; return the templates' directory."""
    files = {
        "probe/handler.py": PROBE,
        "shared/python/shared.py": f'def greeting():\n    return "{greeting}"\n',
        "task/main.py": TASK,
        "task/Dockerfile": DOCKERFILE,
        "templates/Storage.template.json": json.dumps(storage(), indent=1),
        "templates/Work.template.json": json.dumps(work(), indent=1),
        "templates/manifest.json": json.dumps(manifest(root)),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root / "templates"


def manifest(root: Path) -> dict[str, Any]:
    """Return what is to be deployed; an absolute directory stays what it is."""
    return {
        "stacks": ["Storage", "Work"],
        "assets": {
            "probe.zip": str(root / "probe"),
            "shared.zip": str(root / "shared"),
            "base.zip": str(base_layer(root)),
        },
        "images": {IMAGE_TAG: str(root / "task")},
    }


def base_layer(root: Path) -> Path:
    """Lay boto3 out as a layer, with the two services the handlers call: the handlers' environment has none of it."""
    site, target = Path(boto3.__file__).parents[1], root / "base" / "python"
    for package in ("boto3", "s3transfer", "jmespath", "dateutil", "urllib3"):
        shutil.copytree(site / package, target / package, dirs_exist_ok=True)
    shutil.copytree(site / "botocore", target / "botocore", ignore=_other_services, dirs_exist_ok=True)
    shutil.copy2(site / "six.py", target)
    return target.parent


def _other_services(folder: str, names: list[str]) -> set[str]:
    kept = {"s3", "dynamodb"}
    return {name for name in names if folder.endswith("/data") and "." not in name and name not in kept}


def storage() -> dict[str, Any]:
    """Return the stateful stack: bucket, topic and table, exported."""
    return {
        "Resources": {
            "Landing": {
                "Type": "AWS::S3::Bucket",
                "DependsOn": "LandedPolicy",
                "Properties": {
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "NotificationConfiguration": {
                        "TopicConfigurations": [{"Event": "s3:ObjectCreated:*", "Topic": {"Ref": "Landed"}}]
                    },
                },
            },
            "Landed": {"Type": "AWS::SNS::Topic"},
            "LandedPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {
                    "Topics": [{"Ref": "Landed"}],
                    "PolicyDocument": _allow("s3.amazonaws.com", "sns:Publish"),
                },
            },
            "Index": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
                },
            },
        },
        "Outputs": {
            "LandingBucketName": {"Value": {"Ref": "Landing"}},
            "QuarantineBucketName": {"Value": {"Ref": "Landing"}},
            "ClinicalDatastoreId": {"Value": "clinical"},
            "ResearchDatastoreId": {"Value": "research"},
            "LandedTopic": {"Value": {"Ref": "Landed"}, "Export": {"Name": "Storage:Landed"}},
            "TableName": {"Value": {"Ref": "Index"}, "Export": {"Name": "Storage:Table"}},
            "TableStream": {"Value": {"Fn::GetAtt": ["Index", "StreamArn"]}, "Export": {"Name": "Storage:Stream"}},
        },
    }


def work() -> dict[str, Any]:
    """Return the stateless stack: queue, functions, machine, task, API and roles."""
    resources: dict[str, Any] = {
        "Base": _layer("base.zip"),
        "Shared": _layer("shared.zip"),
        "FunctionRole": _role("lambda.amazonaws.com"),
        "ReaderRole": _role("apigateway.amazonaws.com"),
        "OperatorRole": _role("apigateway.amazonaws.com"),
        **_ingest(),
        **_steps(),
        **_api(),
        "Step": _function("on_step"),
        "Event": _function("on_event", Timeout=4, MemorySize=256),
    }
    outputs = {
        "ApiId": {"Ref": "Api"},
        "ReaderRoleArn": {"Fn::GetAtt": ["ReaderRole", "Arn"]},
        "OperatorRoleArn": {"Fn::GetAtt": ["OperatorRole", "Arn"]},
        "MachineArn": {"Ref": "Machine"},
        "EventFunction": {"Ref": "Event"},
        "QueueUrl": {"Ref": "Queue"},
    }
    return {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}


def _ingest() -> dict[str, Any]:
    return {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": _allow("sns.amazonaws.com", "sqs:SendMessage"),
            },
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Fn::ImportValue": "Storage:Landed"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                "RawMessageDelivery": True,
            },
        },
        "Message": _function("on_message", Timeout=10),
        "MessageSource": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Message"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 25,
                "MaximumBatchingWindowInSeconds": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        },
        "Stream": _function("on_stream", Timeout=10),
        "StreamSource": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Stream"},
                "EventSourceArn": {"Fn::ImportValue": "Storage:Stream"},
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": 100,
            },
        },
    }


def _steps() -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {
            "Cluster": "${Cluster.Arn}",
            "TaskDefinition": "${Task}",
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
            "Overrides": {
                "ContainerOverrides": [
                    {"Name": "main", "Environment": [{"Name": "END_WITH", "Value.$": "$.endWith"}]},
                ]
            },
        },
        "ResultPath": None,
        "End": True,
    }
    retry = [{"ErrorEquals": ["SlowDownError"], "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 1}]
    step = {"Type": "Task", "Resource": "${Step.Arn}", "Retry": retry, "ResultPath": "$.step", "Next": "Run"}
    definition = {"StartAt": "Step", "States": {"Step": step, "Run": task}}
    return {
        "MachineRole": _role("states.amazonaws.com"),
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
                "DefinitionString": {"Fn::Sub": json.dumps(definition)},
            },
        },
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "TaskLog": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "small-task"}},
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "small-task",
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
                "ContainerDefinitions": [_container()],
            },
        },
    }


def _container() -> dict[str, Any]:
    options = {
        "awslogs-group": {"Ref": "TaskLog"},
        "awslogs-stream-prefix": "task",
        "awslogs-region": {"Ref": "AWS::Region"},
    }
    return {
        "Name": "main",
        "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/assets:" + IMAGE_TAG},
        "Environment": [{"Name": "TABLE", "Value": {"Fn::ImportValue": "Storage:Table"}}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": options},
    }


def _api() -> dict[str, Any]:
    uri = {"Fn::GetAtt": ["Request", "Arn"]}
    resources: dict[str, Any] = {
        "Request": _function("on_request", Timeout=10),
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "small", "ProtocolType": "HTTP"}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": uri,
                "PayloadFormatVersion": "2.0",
            },
        },
    }
    routes = {
        "Dicomweb": "ANY /dicomweb/{datastoreId}/{proxy+}",
        "Lake": "ANY /lake/{proxy+}",
        "Uploads": "POST /uploads",
    }
    for name, key in routes.items():
        resources[f"{name}Route"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": key,
                "AuthorizationType": "AWS_IAM",
                "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
            },
        }
    return resources


def _function(name: str, **more: object) -> dict[str, Any]:
    variables: dict[str, Any] = {"TABLE": {"Fn::ImportValue": "Storage:Table"}}
    if name == "on_request":
        variables["OPERATOR_ROLE"] = {"Ref": "OperatorRole"}
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": f"handler.{name}",
            "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
            "Code": {"S3Bucket": ASSETS_BUCKET, "S3Key": "probe.zip"},
            "Layers": [{"Ref": "Base"}, {"Ref": "Shared"}],
            "Environment": {"Variables": variables},
            "Timeout": 5,
            "MemorySize": 512,
            **more,
        },
    }


def _layer(key: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::LayerVersion",
        "Properties": {"Content": {"S3Bucket": ASSETS_BUCKET, "S3Key": key}, "CompatibleRuntimes": ["python3.13"]},
    }


def _role(service: str) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": _allow(service, "sts:AssumeRole")}}


def _allow(service: str, action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": "*"}
    if action == "sts:AssumeRole":
        del statement["Resource"]
    return {"Version": "2012-10-17", "Statement": [statement]}
