"""Study links: one study, read only, until they expire or are revoked."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from dicomlake.web.app import answer
from tests.unit.web.events import OPERATING, body_of, event, get, get_json
from tests.usecases.stored_lake import StoredLake

SHARED, OTHER = "1.2.1", "1.2.2"


class SharedLake:
    """A lake of two studies, one of which is shared."""

    def __init__(self) -> None:
        self.lake = StoredLake()
        self.lake.add(SHARED, "1.2.1.1", [[b"a"], [b"b"]])
        self.lake.add(OTHER, "1.2.2.1", [[b"c"]])
        self.services = self.lake.services(cleared=False)
        self.told = json.loads(body_of(self.ask("/lake/links", "POST", {"study": SHARED, "seconds": 3600})))
        self.root = urlsplit(self.told["dicomweb"]).path

    def ask(self, url: str, method: str, body: object = None, caller: str = OPERATING) -> dict[str, Any]:
        return answer(event(url, method=method, body=body, caller=caller), self.services)

    def follow(self, path: str, method: str = "GET") -> dict[str, Any]:
        return self.ask(self.root + path, method, caller="")


@pytest.fixture
def shared() -> SharedLake:
    return SharedLake()


def test_whoever_holds_a_link_reads_the_study_without_credentials(shared: SharedLake) -> None:
    metadata = shared.follow(f"/studies/{SHARED}/metadata")
    frame = shared.follow(f"/studies/{SHARED}/series/1.2.1.1/instances/1.2.1.1.1/frames/1")

    assert metadata["statusCode"] == frame["statusCode"] == 200
    assert len(json.loads(body_of(metadata))) == 2


def test_urls_in_answers_stay_within_the_link(shared: SharedLake) -> None:
    (study,) = json.loads(body_of(shared.follow("/studies")))

    assert study["00081190"]["Value"] == [f"https://lake.example.org{shared.root}/studies/{SHARED}"]


@pytest.mark.parametrize("query", ["", "?limit=101", f"?StudyInstanceUID={SHARED}", f"?0020000D={SHARED},{OTHER}"])
def test_searches_find_the_shared_study_alone(shared: SharedLake, query: str) -> None:
    found = json.loads(body_of(shared.follow(f"/studies{query}")))

    assert [one["0020000D"]["Value"] for one in found] == [[SHARED]]


@pytest.mark.parametrize(
    "path",
    [
        f"/studies/{OTHER}",
        f"/studies/{OTHER}/series",
        f"/studies/{OTHER}/metadata",
        f"/studies?StudyInstanceUID={OTHER}",
        f"/wado?requestType=WADO&studyUID={OTHER}&seriesUID=1.2.2.1&objectUID=1.2.2.1.1",
    ],
)
def test_another_study_is_refused(shared: SharedLake, path: str) -> None:
    assert shared.follow(path)["statusCode"] == 403


def test_a_link_lets_nothing_be_written(shared: SharedLake) -> None:
    statuses = {shared.follow(f"/studies/{SHARED}", method)["statusCode"] for method in ("POST", "PUT", "DELETE")}

    assert statuses <= {403, 405}


def test_an_expired_link_is_refused(shared: SharedLake) -> None:
    shared.lake.clock.advance(timedelta(hours=1).total_seconds())

    response = shared.follow(f"/studies/{SHARED}/metadata")

    assert response["statusCode"] == 403
    assert "expired" in json.loads(body_of(response))["message"]


def test_a_revoked_link_is_refused_from_the_next_request_on(shared: SharedLake) -> None:
    revoked = shared.ask(f"/lake/links/{shared.told['id']}", "DELETE")

    assert revoked["statusCode"] == 204
    assert shared.follow(f"/studies/{SHARED}/metadata")["statusCode"] == 403


@pytest.mark.parametrize("place", [10, 38, 46, -1])
def test_a_token_changed_anywhere_is_refused(shared: SharedLake, place: int) -> None:
    store, token = shared.root.rsplit("/", 1)
    changed = token[:place] + ("0" if token[place] != "0" else "1") + token[place:][1:]

    response = get(shared.services, f"{store}/{changed}/studies/{SHARED}/metadata", caller="")

    assert response["statusCode"] == 403


def test_a_link_says_nothing_of_the_study_to_who_changed_it(shared: SharedLake) -> None:
    response = get(shared.services, f"{shared.root}0/studies", caller="")

    assert SHARED not in body_of(response).decode()


@pytest.mark.parametrize(
    "body", [{}, {"study": "x"}, {"study": SHARED, "seconds": 0}, {"study": SHARED, "seconds": 40 * 86400}]
)
def test_a_link_that_cannot_be_is_a_bad_request(shared: SharedLake, body: object) -> None:
    assert shared.ask("/lake/links", "POST", body)["statusCode"] == 400


def test_links_are_given_out_by_operators_for_studies_that_are_there(shared: SharedLake) -> None:
    reader = answer(event("/lake/links", method="POST", body={"study": SHARED}), shared.services)

    assert reader["statusCode"] == 403
    assert shared.ask("/lake/links", "POST", {"study": "1.2.3"})["statusCode"] == 404


def test_a_lake_without_a_key_gives_out_no_links() -> None:
    lake = StoredLake()
    lake.add(SHARED, "1.2.1.1", [[b"a"]])
    services = lake.services(links=None)

    response = answer(event("/lake/links", method="POST", body={"study": SHARED}, caller=OPERATING), services)

    assert response["statusCode"] == 404


def test_the_study_list_is_still_whole_for_others(shared: SharedLake) -> None:
    assert len(get_json(shared.services, "/dicomweb/reading-room/studies", caller=OPERATING)) == 2
