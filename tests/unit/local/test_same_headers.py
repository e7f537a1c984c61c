"""Browsers meet the same headers at the local lake and at the deployed API: two lists, held together here."""

import json
from pathlib import Path

from dicomlake.local.cors import ALLOWED, EXPOSED


def test_the_local_lake_and_the_api_let_the_same_headers_through(repository: Path) -> None:
    template = json.loads((repository / "tests/golden/dev/dicomlake-dev-api.template.json").read_text(encoding="utf-8"))

    (cors,) = [
        resource["Properties"]["CorsConfiguration"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Api"
    ]

    assert sorted(cors["AllowHeaders"]) == sorted(ALLOWED)
    assert sorted(cors["ExposeHeaders"]) == sorted(EXPOSED)
