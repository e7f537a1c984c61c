"""A lake on AWS is spoken to with the user's own credentials, a local one with its operator's token."""

import json
from pathlib import Path

import pytest

from dicomlake.client.failure import LakeClientError
from dicomlake.client.finding import find_lake
from dicomlake.client.signing import signer

DEPLOYED = {"api": "https://abc.execute-api.eu-west-1.amazonaws.com/", "datastoreId": "a" * 32, "region": "eu-west-1"}


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that names a lake on AWS, and a home without credentials."""
    (tmp_path / "endpoints.json").write_text(json.dumps(DEPLOYED))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return tmp_path


def test_three_outputs_of_the_stacks_are_enough(deployed: Path) -> None:
    endpoints = find_lake(deployed)

    assert endpoints.dicomweb == f"https://abc.execute-api.eu-west-1.amazonaws.com/dicomweb/{'a' * 32}"
    assert endpoints.uploads == "https://abc.execute-api.eu-west-1.amazonaws.com/uploads"
    assert (endpoints.s3, endpoints.operatorToken) == ("", "")


def test_requests_to_aws_are_signed_for_the_api(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    sign = signer(find_lake(deployed))

    headers = sign("GET", "https://abc.execute-api.eu-west-1.amazonaws.com/lake/where?uid=1.2", None, {"Accept": "*/*"})

    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert headers["Accept"] == "*/*"


def test_without_credentials_one_sentence_says_so(deployed: Path) -> None:
    with pytest.raises(LakeClientError, match="no AWS credentials"):
        signer(find_lake(deployed))


def test_a_file_that_names_half_a_lake_is_told(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_text(json.dumps({"api": "https://abc"}))

    with pytest.raises(LakeClientError, match="cannot be read as the endpoints"):
        find_lake(tmp_path)
