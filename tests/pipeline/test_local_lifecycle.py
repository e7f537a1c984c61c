"""The local lake starts, stops, survives and refuses as it says: real processes, real signals, real ports."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dicomlake.local.endpoints import Endpoints
from dicomlake.local.engine import free_port
from tests.pipeline import small_lake
from tests.pipeline.lakes import LakeProcess, alive, client, kill_hard, until
from tests.pipeline.test_local_flow import output, row
from tests.pipeline.test_local_runtime import invoke

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")]
Start = Callable[..., LakeProcess]


@pytest.fixture
def start(tmp_path: Path, small_templates: Path) -> Iterator[Start]:
    """Start a lake on this test's data directory; whatever a failing test left is ended."""
    started: list[LakeProcess] = []

    def starter(*arguments: str, port: int = 0, templates: Path = small_templates) -> LakeProcess:
        arguments = ("--templates", str(templates), *arguments)
        started.append(LakeProcess.start(tmp_path / "data", port or free_port(), *arguments))
        return started[-1]

    yield starter
    for lake in started:
        if lake.process.poll() is None:
            lake.stop()


def landed(endpoints: Endpoints, key: str) -> None:
    client(endpoints, "s3").put_object(Bucket=endpoints.landingBucket, Key=key, Body=b"x" * 10)
    assert until(lambda: row(endpoints, key))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_lake_leaves_no_process_and_keeps_everything(start: Start, number: signal.Signals) -> None:
    lake = start()
    before = lake.ready()
    landed(before, "kept")
    family = lake.family()

    code, said = lake.stop(number)

    assert (code, len(family) > 2, alive(family)) == (0, True, [])
    assert "stopping" in said
    assert not (lake.data / "endpoints.json").exists()
    assert not (lake.data / "engine" / "tmp").exists()
    again = start()
    after = again.ready()
    assert (after.s3, after.landingBucket, after.operatorToken) == (
        before.s3,
        before.landingBucket,
        before.operatorToken,
    )
    assert row(after, "kept")["size"] == "10"
    assert client(after, "s3").get_object(Bucket=after.landingBucket, Key="kept")["Body"].read() == b"x" * 10
    landed(after, "later")
    assert again.stop()[0] == 0


def test_a_changed_template_or_handler_is_deployed_onto_kept_data(start: Start, tmp_path: Path) -> None:
    first = start(templates=small_lake.write(tmp_path / "first"))
    endpoints = first.ready()
    landed(endpoints, "kept")
    first.stop()
    changed = small_lake.write(tmp_path / "second", greeting="good evening")
    work = json.loads((changed / "Work.template.json").read_text())
    work["Outputs"]["Added"] = {"Value": "new in this template"}
    (changed / "Work.template.json").write_text(json.dumps(work))

    second = start(templates=changed)
    endpoints = second.ready()

    assert output(endpoints, "Added") == "new in this template"
    assert invoke(endpoints)[1]["greeting"] == "good evening"
    assert row(endpoints, "kept")["size"] == "10"
    second.stop()


def test_a_killed_lake_takes_everything_with_it_and_saves(start: Start) -> None:
    lake = start()
    endpoints = lake.ready()
    landed(endpoints, "kept")
    family = lake.family()

    kill_hard(lake.process.pid)
    lake.ended()

    assert until(lambda: not alive(family))
    again = start()
    assert row(again.ready(), "kept")["size"] == "10"
    again.stop()


def test_a_killed_engine_ends_the_lake_with_a_sentence(start: Start) -> None:
    lake = start()
    lake.ready()
    family = lake.family()

    kill_hard(family[1])
    code, said = lake.ended()

    assert code == 1
    assert "the engine ended by itself" in said
    assert alive(family) == []


def test_a_lake_whose_index_lags_its_store_says_so_and_recovers_when_told(start: Start) -> None:
    lake = start()
    lake.ready()
    lake.stop()
    stray = next((lake.data / "engine" / "s3").rglob("*")) / "written-after-the-save"
    stray = stray if stray.parent.is_dir() else stray.parents[1] / stray.name
    stray.write_bytes(b"x")
    os.utime(stray, (2**31, 2**31))

    code, said = start().ended()
    recovered = start("--recover")

    assert code == 1
    assert "was killed" in said
    assert "--recover" in said
    assert recovered.ready().landingBucket
    recovered.stop()


@pytest.mark.parametrize("port", [65535, 80000])
def test_a_port_that_cannot_be_is_one_sentence(start: Start, port: int) -> None:
    code, said = start(port=port).ended()

    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith(f"Port {port} cannot be used")


def test_a_port_in_use_is_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, said = start(port=port).ended()

    assert code == 1
    assert (
        said.strip() == f"Port {port} is in use; stop what uses it, or choose another one: `make up PORT={port + 100}`."
    )


def test_two_lakes_on_one_directory_are_refused_and_the_first_goes_on(start: Start) -> None:
    first = start()
    endpoints = first.ready()

    code, said = start().ended()

    assert code == 1
    assert said.startswith("Another lake runs on ")
    assert len(said.strip().splitlines()) == 1
    landed(endpoints, "still")
    first.stop()


def test_ctrl_c_while_starting_stops_it_all(start: Start) -> None:
    lake = start()
    until(lambda: len(lake.family()) > 1)
    family = lake.family()

    code, _ = lake.stop(signal.SIGINT)

    assert code == 130
    assert alive(family) == []


def test_an_unwritable_or_damaged_directory_is_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lake.json").write_text("{")

    code, said = start().ended()

    assert code == 1
    assert "is damaged" in said
    assert len(said.strip().splitlines()) == 1
