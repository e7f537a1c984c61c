"""The service that is tested, and the study that it is sent. Without a base URL nothing here is collected."""

import os
from dataclasses import dataclass

import pytest
import requests

from tests.conformance.made_study import MadeStudy
from tests.conformance.service import Service

BASE = os.environ.get("CONFORMANCE_BASE", "")
collect_ignore_glob = [] if BASE else ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Stored:
    """The study that tests read, and how the service answered when it was stored."""

    made: MadeStudy
    answer: requests.Response


@pytest.fixture(scope="session")
def service() -> Service:
    """The service behind the base URL."""
    session = requests.Session()
    for line in os.environ.get("CONFORMANCE_HEADERS", "").splitlines():
        name, _, value = line.partition(":")
        session.headers[name.strip()] = value.strip()
    return Service(BASE, session)


@pytest.fixture(scope="session")
def stored(service: Service) -> Stored:
    """A study of four instances, stored and found."""
    made = MadeStudy()
    answer = service.store(made.file(number) for number in (1, 2, 3, 4))
    assert answer.status_code in (200, 202), f"storing the study was answered {answer.status_code}"
    assert service.holds(made, 4), "the study was stored and is not found"
    return Stored(made, answer)


@pytest.fixture
def made(stored: Stored) -> MadeStudy:
    """The study that is read."""
    return stored.made
