"""What the deployed templates promise: who may touch what, what happens to failures, what a function is told."""

import json
import re

import pytest

from dicomlake import wire
from dicomlake.adapters.dynamodb.keys import cursor as cursor_key
from dicomlake.domain import errors
from dicomlake.settings import Settings
from dicomlake.web import deferred
from dicomlake.web.routes import ROUTES
from tests.stacks.templates import (
    ENVIRONMENTS,
    GOLDEN,
    PARTS,
    ROOT,
    Json,
    allowed,
    definition,
    manifest,
    of_type,
    one,
    statements,
    template,
    text,
)

FUNCTIONS = "AWS::Lambda::Function"
MAPPINGS = "AWS::Lambda::EventSourceMapping"
MACHINES = "AWS::StepFunctions::StateMachine"

READ_OBJECT = {"s3:GetObject", "s3:GetObjectVersion"}
READ_INDEX = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}


def settings_of(prefix: str, environment: str = "dev") -> dict[str, str]:
    """The DICOMLAKE_ variables of a function, as text."""
    function = one(of_type(environment, FUNCTIONS), f"{prefix}Function")
    return {name: text(value) for name, value in function["Environment"]["Variables"].items()}


def states(machine: Json) -> list[Json]:
    found = []
    for state in machine["States"].values():
        found.append(state)
        found += states(state["ItemProcessor"]) if "ItemProcessor" in state else []
    return found


def family(root: type) -> set[str]:
    return {kind.__name__ for kind in root.__subclasses__()}


@pytest.mark.parametrize("store", ["Clinical", "Research"])
def test_one_data_stores_api_function_reads_that_store_and_nothing_else(store: str) -> None:
    other = {"Clinical": "Research", "Research": "Clinical"}[store]

    rights = list(allowed("dev", "api", f"Answer{store}Role"))

    assert not [right for right in rights if other in right[1] or "Landing" in right[1] or "LakeSecret" in right[1]]
    assert {action for action, resource in rights if f"{store}Packs" in resource} == READ_OBJECT
    assert {action for action, resource in rights if f"{store}Index" in resource} == READ_INDEX | {"dynamodb:PutItem"}
    told = json.loads(settings_of(f"Answer{store}")["DICOMLAKE_STORES"])
    assert [row["name"] for row in told.values()] == [store.lower()]


@pytest.mark.parametrize("store", ["Clinical", "Research"])
def test_what_a_search_may_put_is_rows_that_remember_where_a_page_ended(store: str) -> None:
    policy = one(of_type("dev", "AWS::IAM::Policy", "api"), f"Answer{store}Role")

    (putting,) = [statement for statement in statements(policy) if "PutItem" in str(statement["Action"])]

    assert putting["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["T#*"]}}
    assert cursor_key("0" * 32)[0].startswith("T#")


@pytest.mark.parametrize("store", ["Clinical", "Research"])
def test_the_function_for_pixels_reads_its_store_and_writes_nothing_but_answers(store: str) -> None:
    rights = list(allowed("dev", "api", f"Answer{store}PixelsRole"))
    on_packs = {(action, resource) for action, resource in rights if f"{store}Packs" in resource}

    assert {action for action, resource in on_packs if not resource.endswith("/answers/*")} == READ_OBJECT
    assert {action for action, resource in on_packs if resource.endswith("/answers/*")} == {
        "s3:PutObject",
        "s3:AbortMultipartUpload",
    }
    assert {action for action, resource in rights if "Index" in resource} == READ_INDEX
    told = json.loads(settings_of(f"Answer{store}Pixels")["DICOMLAKE_STORES"])
    assert [row["name"] for row in told.values()] == [store.lower()]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_long_answers_are_forgotten_after_a_day_and_packs_never(environment: str) -> None:
    for store in ("ClinicalPacks", "ResearchPacks"):
        rules = one(of_type(environment, "AWS::S3::Bucket"), store)["LifecycleConfiguration"]["Rules"]

        expiring = [(rule["Prefix"], rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule]
        assert expiring == [("answers/", 1)]


def test_what_opens_frames_is_answered_by_the_function_that_can() -> None:
    storing = (deferred.post_instances, deferred.get_received)
    pixels = [route for route in ROUTES if route.handler in vars(deferred).values() and route.handler not in storing]

    for route in pixels:
        assert any(matches(path, route.template) for path in PIXEL_PATHS), route.template
    for route in ROUTES:
        below_an_instance = "{instance}/" in route.template
        if route not in pixels and not below_an_instance and route.method == "GET":
            assert not any(matches(path, route.template) for path in PIXEL_PATHS), route.template


IMAGING_PATHS = [
    "/datastore",
    "/datastore/{proxy+}",
    "/startDICOMImportJob/{proxy+}",
    "/getDICOMImportJob/{proxy+}",
    "/listDICOMImportJobs/{proxy+}",
    "/tags/{proxy+}",
]
PIXEL_PATHS = [
    route["Properties"]["RouteKey"].split("/", 3)[3]
    for route in of_type("dev", "AWS::ApiGatewayV2::Route").values()
    if route["Properties"]["RouteKey"].startswith("GET /dicomweb/")
    and "/received/" not in route["Properties"]["RouteKey"]
]
STORING = ("POST {}/studies", "POST {}/studies/{{study}}", "GET {}/received/{{receipt}}")


def test_only_the_clinical_data_store_takes_instances_and_by_the_function_that_can() -> None:
    clinical, research = (
        f"/dicomweb/{template('dev', 'storage')['Outputs'][f'{store}DatastoreId']['Value']}"
        for store in ("Clinical", "Research")
    )
    routes = [route["Properties"] for route in of_type("dev", "AWS::ApiGatewayV2::Route").values()]
    targets = {route["RouteKey"]: json.dumps(route["Target"]) for route in routes}

    for key in STORING:
        assert "StoreInstances" in targets[key.format(clinical)]
        assert key.format(research) not in targets


def matches(path: str, template: str) -> bool:
    """Whether a route of the gateway takes what a route of ours describes."""
    below, _, greedy = path.partition("{proxy+}")
    asked = template.partition("/dicomweb/{datastore}/")[2]
    return asked == path or bool("{proxy+}" in path and asked.startswith(below) and not greedy)


def test_deidentification_reads_clinical_and_writes_research_only() -> None:
    rights = list(allowed("dev", "study", "DeidentifyStudyRole"))

    on_clinical = {action for action, resource in rights if "ClinicalPacks" in resource or "ClinicalIndex" in resource}
    on_research = {action for action, resource in rights if "ResearchPacks" in resource}

    assert on_clinical == READ_OBJECT | READ_INDEX | {"s3:ListBucket", "s3:ListBucketVersions"}
    assert "s3:PutObject" in on_research
    assert "s3:DeleteObject" not in on_research


def test_only_sweep_and_purge_delete_objects_and_never_landed_ones() -> None:
    deletions = [
        (name, action, text(statement["Resource"]))
        for name, policy in of_type("dev", "AWS::IAM::Policy").items()
        for statement in statements(policy["Properties"])
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith("s3:Delete")
    ]

    assert {(name[:13], action) for name, action, _ in deletions} == {
        ("SweepLakeRole", "s3:DeleteObject"),
        ("ChangeStudyRo", "s3:DeleteObject"),
    }
    assert all(
        place.count("/series/*") == place.count("/image-sets/*") == 2
        for name, _, place in deletions
        if name.startswith("ChangeStudy")
    )
    assert not [resource for _, _, resource in deletions if "Landing" in resource or "Quarantine" in resource]


def test_readers_invoke_clinical_routes_and_uploads_operators_everything() -> None:
    clinical = template("dev", "storage")["Outputs"]["ClinicalDatastoreId"]["Value"]

    reader = {resource.split("/$default/")[1] for _, resource in allowed("dev", "api", "ReaderRole")}
    operator = {resource.split("/$default/")[1] for _, resource in allowed("dev", "api", "OperatorRole")}

    look_ups = {"GET/lake/where", "POST/lake/where", "GET/lake/studies/*", "GET/lake/restore/*"}
    look_ups.add("GET/openapi.json")
    assert reader == {
        f"*/dicomweb/{clinical}/*",
        "*/imaging/*",
        "POST/uploads",
        "POST/uploads/resume",
        "POST/uploads/complete",
        *look_ups,
    }
    assert operator == {"*/*"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_route_asks_who_calls(environment: str) -> None:
    outputs = template(environment, "storage")["Outputs"]
    ids = [outputs[f"{store}DatastoreId"]["Value"] for store in ("Clinical", "Research")]

    routes = [route["Properties"] for route in of_type(environment, "AWS::ApiGatewayV2::Route").values()]

    asked = {route["RouteKey"]: route["AuthorizationType"] for route in routes}
    assert set(asked.values()) == {"AWS_IAM", "NONE"}
    assert {key for key, kind in asked.items() if kind == "AWS_IAM"} == {
        "ANY /imaging/{proxy+}",
        "ANY /uploads",
        "ANY /uploads/resume",
        "ANY /uploads/complete",
        "ANY /lake/{proxy+}",
        "GET /openapi.json",
        "ANY /lake/studies/{study}/{proxy+}",
        *(
            f"{method} /dicomweb/{datastore_id}/studies/{{proxy+}}"
            for datastore_id in ids
            for method in ("DELETE", "PATCH", "PUT")
        ),
        *(f"GET /dicomweb/{datastore_id}/{path}" for datastore_id in ids for path in PIXEL_PATHS),
        *(f"ANY /dicomweb/{datastore_id}/{{proxy+}}" for datastore_id in ids),
        *(key.format(f"/dicomweb/{ids[0]}") for key in STORING),
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_links_options_and_what_is_signed_by_our_own_keys_are_open(environment: str) -> None:
    routes = [route["Properties"] for route in of_type(environment, "AWS::ApiGatewayV2::Route").values()]

    opened = {route["RouteKey"] for route in routes if route["AuthorizationType"] == "NONE"}

    links = r"OPTIONS /dicomweb/|(GET|HEAD|OPTIONS) /links/[0-9a-f]{32}/\{token\}/"
    assert {key for key in opened if not re.match(links, key)} == {f"ANY {path}" for path in IMAGING_PATHS}
    assert any(re.match(links, key) for key in opened)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_what_answers_links_reads_their_key(environment: str) -> None:
    policies = of_type(environment, "AWS::IAM::Policy", "ingest", "study", "api")

    holders = {name for name, policy in policies.items() if "LinkSecret" in json.dumps(policy["Properties"])}

    assert holders
    assert all(name.startswith("Answer") for name in holders)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_access_log_names_routes_never_paths(environment: str) -> None:
    (stage,) = of_type(environment, "AWS::ApiGatewayV2::Stage").values()

    written = stage["Properties"]["AccessLogSettings"]["Format"]

    assert "$context.routeKey" in written
    assert not re.search(r"\$context\.(path|requestOverride|domain|http|identity\.sourceIp)", written)


def test_steps_retry_what_the_error_tree_calls_retryable() -> None:
    tasks = [
        state
        for machine in of_type("dev", MACHINES, "study").values()
        for state in states(definition(machine["Properties"]))
        if state["Type"] == "Task"
    ]
    named = {name for name in tasks[0]["Retry"][0]["ErrorEquals"] if "." not in name}

    assert len(tasks) == 6
    assert named == family(errors.RetryableError)
    assert not named & family(errors.PermanentError)
    assert all(task["Retry"] == tasks[0]["Retry"] for task in tasks)


def test_study_machine_is_one_definition_deployed_express_and_standard() -> None:
    machines = of_type("dev", MACHINES, "study")
    express = next(item["Properties"] for item in machines.values() if item["Properties"].get("StateMachineType"))
    kinds = sorted(item["Properties"].get("StateMachineType", "STANDARD") for item in machines.values())
    first, second = (definition(item["Properties"]) for item in machines.values())

    assert kinds == ["EXPRESS", "STANDARD"]
    assert first["States"] == second["States"]
    assert express["StateMachineType"] == "EXPRESS"
    assert definition(express)["TimeoutSeconds"] <= 300


def test_each_series_of_a_plan_reaches_its_step_as_the_plan_has_it() -> None:
    steps = definition(one(of_type("dev", MACHINES, "study"), "LargeStudyMachine"))["States"]

    each = steps["EachSeries"]

    assert each["ItemsPath"] == "$.series"
    assert not {"ItemSelector", "Parameters", "ItemBatcher"} & each.keys()
    assert (each["ResultPath"], each["Next"]) == (None, "PlannedAll")


def test_a_plan_that_names_a_part_of_its_series_is_planned_on() -> None:
    steps = definition(one(of_type("dev", MACHINES, "study"), "LargeStudyMachine"))["States"]

    assert steps["PlannedAll"] == {
        "Type": "Choice",
        "Choices": [{"Variable": "$.after", "StringEquals": "", "Next": "FinishStudy"}],
        "Default": "PlanStudy",
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_machines_log_no_input_and_no_output(environment: str) -> None:
    for machine in of_type(environment, MACHINES).values():
        assert machine["Properties"]["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert machine["Properties"]["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"


def test_a_large_object_whose_task_fails_goes_to_crashed_work() -> None:
    large = definition(one(of_type("dev", MACHINES, "ingest"), "LargeMachine"))
    run, send = large["States"]["RunTask"], large["States"]["SendToCrashed"]

    assert run["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "SendToCrashed"}]
    assert "CrashedWork" in send["Parameters"]["QueueUrl"]
    assert send["Parameters"]["MessageBody.$"] == "$$.Execution.Input"
    (override,) = run["Parameters"]["Overrides"]["ContainerOverrides"]
    assert override["Environment"] == [{"Name": "DICOMLAKE_MESSAGE", "Value.$": "States.JsonToString($)"}]


def test_what_crashes_alone_ends_in_quarantine_not_in_a_dead_letter_queue() -> None:
    queues = of_type("dev", "AWS::SQS::Queue", "ingest")

    for prefix in ("IngestOneWork", "LargeWork"):
        assert "CrashedWork" in text(one(queues, prefix)["RedrivePolicy"]["deadLetterTargetArn"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_failed_message_of_a_batch_comes_back_alone(environment: str) -> None:
    for mapping in of_type(environment, MAPPINGS).values():
        properties = mapping["Properties"]
        if "StartingPosition" not in properties:
            assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            assert properties["ScalingConfig"]["MaximumConcurrency"] >= 2
        if properties["BatchSize"] > 10:
            assert properties["MaximumBatchingWindowInSeconds"] >= 1


def test_a_file_that_kills_its_process_is_tried_alone() -> None:
    (mapping,) = (
        item["Properties"]
        for item in of_type("dev", MAPPINGS, "ingest").values()
        if "IngestOneWork" in text(item["Properties"]["EventSourceArn"])
    )

    assert mapping["BatchSize"] == 1


def test_the_sequencer_is_woken_by_new_commit_rows_of_both_stores_only() -> None:
    streams = [
        item["Properties"]
        for item in of_type("dev", MAPPINGS, "study").values()
        if "FilterCriteria" in item["Properties"]
    ]

    patterns = [json.loads(item["FilterCriteria"]["Filters"][0]["Pattern"]) for item in streams]

    assert len(streams) == 2
    assert all(item["BisectBatchOnFunctionError"] and item["DestinationConfig"]["OnFailure"] for item in streams)
    assert all(
        pattern == {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "C#"}]}}}}
        for pattern in patterns
    )


def test_subscriptions_filter_by_types_that_exist() -> None:
    policies = {
        name: item["Properties"].get("FilterPolicy", {})
        for name, item in of_type("dev", "AWS::SNS::Subscription").items()
    }
    types = {kind for policy in policies.values() for kind in policy.get("type", [])}

    assert types == {"InstancesStored", "StudyChanged", "StudyReady"}
    assert types <= wire.MESSAGES.keys()
    assert [p["store"] for name, p in policies.items() if name.startswith("DeidentifyWork")] == [["clinical"]]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_function_can_read_what_it_is_told(environment: str) -> None:
    for name in of_type(environment, FUNCTIONS):
        values = settings_of(name.split("Function")[0], environment)
        parsed = Settings.from_env(values)

        assert parsed.environment == environment
        assert ("DICOMLAKE_STORES" in values) == bool(parsed.stores)
        for datastore_id, store in parsed.stores.items():
            assert re.fullmatch(r"[0-9a-f]{32}", datastore_id)
            assert store.cleared == (store.name == "clinical")


def test_the_landing_bucket_keeps_versions_and_tells_one_topic() -> None:
    landing = one(of_type("dev", "AWS::S3::Bucket"), "Landing")

    assert landing["VersioningConfiguration"] == {"Status": "Enabled"}
    (told,) = landing["NotificationConfiguration"]["TopicConfigurations"]
    assert (told["Event"], text(told["Topic"])) == (
        "s3:ObjectCreated:*",
        next(iter(of_type("dev", "AWS::SNS::Topic", "storage"))),
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_landed_object_expires_by_age_alone(environment: str) -> None:
    rules = one(of_type(environment, "AWS::S3::Bucket"), "Landing")["LifecycleConfiguration"]["Rules"]

    assert all("TagFilters" in rule for rule in rules if "ExpirationInDays" in rule)


def test_prod_keeps_and_can_restore_its_tables() -> None:
    tables = of_type("prod", "AWS::DynamoDB::Table")

    assert len(tables) == 2
    for table in tables.values():
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_tables_forget_by_expires_and_stream_new_images(environment: str) -> None:
    for table in of_type(environment, "AWS::DynamoDB::Table").values():
        assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
        assert table["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_alarms_watch_the_metrics_that_functions_emit() -> None:
    alarms = [item["Properties"] for item in of_type("dev", "AWS::CloudWatch::Alarm").values()]
    own = {item["MetricName"]: item["Dimensions"] for item in alarms if item["Namespace"] == "dicomlake"}
    code = "".join(path.read_text() for path in sorted((ROOT / "layers/core/python/dicomlake/entry").glob("*.py")))

    assert own.keys() == {"SettleSeconds", "LedgerDrift", "RejectedObjects", "VerifyMismatches", "EncoderFallbacks"}
    assert all(dimensions == [{"Name": "environment", "Value": "dev"}] for dimensions in own.values())
    assert 'METRICS_NAMESPACE = "dicomlake"' in code
    assert all(f'metric("{name}"' in code for name in own)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_queue_and_function_has_its_alarms(environment: str) -> None:
    alarms = of_type(environment, "AWS::CloudWatch::Alarm")
    metrics = [item["Properties"]["MetricName"] for item in alarms.values()]
    queues = of_type(environment, "AWS::SQS::Queue")
    worked = [item for item in queues.values() if "RedrivePolicy" in item["Properties"]]

    assert metrics.count("ApproximateAgeOfOldestMessage") == len(worked)
    assert metrics.count("ApproximateNumberOfMessagesVisible") == len(queues) - len(worked)
    assert metrics.count("Errors") == len(of_type(environment, FUNCTIONS))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_of_the_landing_bucket_expires(environment: str) -> None:
    landing = one(of_type(environment, "AWS::S3::Bucket", "storage"), "Landing")

    rules = landing.get("LifecycleConfiguration", {}).get("Rules", [])
    assert {name for rule in rules for name in rule} <= {"AbortIncompleteMultipartUpload", "Id", "Status"}
    assert not [text for part in PARTS if "Tagging" in (text := json.dumps(template(environment, part)))]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_machine_that_fails_and_one_that_is_late_ring(environment: str) -> None:
    alarms = of_type(environment, "AWS::CloudWatch::Alarm")
    metrics = [item["Properties"]["MetricName"] for item in alarms.values()]
    machines = len(of_type(environment, "AWS::StepFunctions::StateMachine"))

    assert (metrics.count("ExecutionsFailed"), metrics.count("ExecutionsTimedOut")) == (machines, machines)


def test_manifest_names_a_directory_for_every_asset_of_the_templates() -> None:
    held = manifest()
    keys = set(re.findall(r'"S3Key": "([^"]+)"', "".join(json.dumps(template("dev", part)) for part in PARTS)))

    assert held["stacks"] == [f"dicomlake-dev-{part}" for part in PARTS]
    assert keys == held["assets"].keys()
    for folder in held["assets"].values():
        if folder.startswith("functions/"):
            assert (ROOT / folder / "handler.py").read_text().endswith(f"handler = entry.{folder.split('/')[1]}()\n")


def test_the_tasks_image_starts_its_program_without_a_shell() -> None:
    (folder,) = manifest()["images"].values()

    lines = (ROOT / folder / "Dockerfile").read_text().splitlines()

    assert lines[-1] == 'ENTRYPOINT ["python", "main.py"]'
    assert "USER 65534" in lines
    assert (ROOT / folder / "main.py").exists()


def test_golden_files_hold_no_asset_hash_and_no_path() -> None:
    for path in GOLDEN.glob("*/*.json"):
        held = path.read_text()
        assert not re.search(r"\b[0-9a-f]{64}\b", held), path.name
        assert str(ROOT) not in held


def test_the_deployment_page_counts_what_is_deployed() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()

    for part in PARTS:
        assert f"| `dicomlake-ENV-{part}` | {len(template('prod', part)['Resources'])} |" in page
    assert f"| alarms | {len(of_type('prod', 'AWS::CloudWatch::Alarm'))} x 0.10 |" in page
    assert (
        f"{len([m for m in of_type('prod', MAPPINGS).values() if 'ScalingConfig' in m['Properties']])} queues x" in page
    )
