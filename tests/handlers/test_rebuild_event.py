"""The event {"rebuild": true} at the sweep: every store in turn, then quarantine, then what is in neither."""

import json
from dataclasses import replace

from tests.handlers.conftest import DeployedLake, Event
from tests.usecases.dicom_files import ct_slice

REBUILD: Event = {"rebuild": True}


def landed(key: str, version: str, size: int) -> Event:
    """The event of one object, as ingest-work delivers it."""
    entity = {"key": key, "versionId": version, "size": size}
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "landing"}, "object": entity}}
    attributes, arn = {"ApproximateReceiveCount": "1"}, "arn:aws:sqs:eu-central-1:123456789012:ingest-work"
    message = {"messageId": key, "body": json.dumps({"Records": [record]}), "attributes": attributes}
    return {"Records": [{**message, "eventSourceARN": arn}]}


def filled(deployed: DeployedLake) -> None:
    """A slice that is stored, junk in quarantine, and an object that no event told of."""
    for key, body in (("one", ct_slice(1, 1, 1)), ("junk", b"no DICOM at all, and longer than a preamble " * 9)):
        deployed.run("ingest_instances", landed(key, deployed.put(key, body), len(body)))
    deployed.put("untold", ct_slice(1, 1, 2))
    deployed.sent("told")


def lose_the_index(deployed: DeployedLake) -> None:
    """Empty the clinical table."""
    table = deployed.client("dynamodb")
    for item in deployed.rows("clinical"):
        table.delete_item(TableName="clinical-index", Key={name: item[name] for name in ("pk", "sk")})


def kinds(deployed: DeployedLake) -> list[str]:
    """What kinds of rows about objects the index holds."""
    return sorted(item["pk"]["S"][0] for item in deployed.rows("clinical") if item["pk"]["S"][0] in "LU")


def test_a_lost_index_is_rebuilt_from_packs_and_quarantine_and_the_rest_is_read_again(deployed: DeployedLake) -> None:
    filled(deployed)
    before = kinds(deployed)
    lose_the_index(deployed)

    told = deployed.run("sweep_lake", REBUILD)

    assert kinds(deployed) == [*before[:1], *before]
    assert told["complete"] is True
    assert (told["packs"], told["stored"], told["copies"], told["quarantined"], told["readAgain"]) == (1, 1, 0, 1, 1)
    assert [message["landed"]["key"] for message in deployed.sent("ingest-work")] == ["untold"]
    assert [message["type"] for message in deployed.sent("told")] == ["InstancesStored"]


def test_a_second_rebuild_finds_all_of_it_known(deployed: DeployedLake) -> None:
    filled(deployed)
    lose_the_index(deployed)
    deployed.run("sweep_lake", REBUILD)

    told = deployed.run("sweep_lake", REBUILD)

    assert (told["complete"], told["packs"], told["known"]) == (True, 1, 1)
    assert (told["stored"], told["quarantined"], told["readAgain"]) == (0, 0, 0)


def test_without_time_a_rebuild_says_that_there_is_more_and_reads_nothing_again(deployed: DeployedLake) -> None:
    filled(deployed)
    deployed.run("ingest_instances", landed("two", deployed.put("two", ct_slice(2, 1, 1)), 1))
    lose_the_index(deployed)
    hurried = replace(deployed, context=replace(deployed.context, left_ms=0))

    first = hurried.run("sweep_lake", REBUILD)
    second = deployed.run("sweep_lake", REBUILD)

    assert (first["complete"], first["packs"], first["readAgain"]) == (False, 1, 0)
    assert (second["complete"], second["packs"]) == (True, 1)
