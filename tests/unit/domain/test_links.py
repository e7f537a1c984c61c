"""The text that stands for a study link in URLs."""

from datetime import UTC, datetime, timedelta

import pytest

from dicomlake.domain.errors import ForbiddenError, InvalidRequestError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.links import LONGEST, StudyLink, make_link, read_token, write_token
from dicomlake.domain.model import DatastoreId, StudyUid

NOW = datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)
KEY, STORE = LakeSecret(b"k" * 32), DatastoreId("clinical")


def link(good_for: timedelta = timedelta(hours=1)) -> StudyLink:
    return make_link("0a" * 16, STORE, StudyUid("1.2.840.1"), NOW, good_for)


def test_a_token_says_what_its_link_is() -> None:
    assert read_token(write_token(link(), KEY), STORE, KEY, NOW) == link()


def test_a_token_has_only_characters_that_a_url_takes_as_they_are() -> None:
    assert set(write_token(link(), KEY)) <= set("0123456789abcdef.-")


def test_a_token_of_another_data_store_is_refused() -> None:
    with pytest.raises(ForbiddenError):
        read_token(write_token(link(), KEY), DatastoreId("research"), KEY, NOW)


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(ForbiddenError):
        read_token(write_token(link(), LakeSecret(b"l" * 32)), STORE, KEY, NOW)


def test_a_token_ends_when_its_link_does() -> None:
    token = write_token(link(), KEY)

    read_token(token, STORE, KEY, link().expires - timedelta(seconds=1))
    with pytest.raises(ForbiddenError, match="expired"):
        read_token(token, STORE, KEY, link().expires)


@pytest.mark.parametrize("good_for", [timedelta(seconds=59), LONGEST + timedelta(seconds=1)])
def test_a_link_is_good_for_a_minute_to_thirty_days(good_for: timedelta) -> None:
    with pytest.raises(InvalidRequestError):
        link(good_for)


@pytest.mark.parametrize("text", ["", "x", "0a" * 16, f"{'0a' * 16}-9999999999-..-{'0' * 64}"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ForbiddenError):
        read_token(text, STORE, KEY, NOW)
