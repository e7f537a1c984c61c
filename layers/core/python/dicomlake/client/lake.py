"""The lake's API as methods: what docs/api.md lists, with the operator's token."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from dicomlake.client.http import Http, json_of
from dicomlake.domain.model import InstanceKey
from dicomlake.local.endpoints import Endpoints

Document = dict[str, Any]
PAGE = 1000


class LakeClient:
    """One lake; every method is one request unless it says otherwise, and raises LakeClientError in words."""

    def __init__(self, endpoints: Endpoints, http: Http | None = None) -> None:
        self.endpoints = endpoints
        self.http = http or Http()
        self._headers = {"Authorization": f"Bearer {endpoints.operatorToken}", "Content-Type": "application/json"}

    def sign_uploads(self, sizes: Sequence[int], source: str = "default") -> list[Document]:
        """Return where files of these sizes go, in order."""
        body = {"files": [{"size": size} for size in sizes], "source": source}
        return list(self._post(self.endpoints.uploads, body)["files"])

    def complete_upload(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Make an object of the parts that were sent."""
        body = {"files": [{"key": key, "uploadId": upload, "etags": list(etags)}]}
        self._post(f"{self.endpoints.uploads}/complete", body)

    def where(self, objects: Sequence[tuple[str, str]]) -> list[Document | None]:
        """Return what became of landed objects by key and version, in order; None where not taken in yet."""
        body = {"objects": [{"key": key, "version": version} for key, version in objects]}
        return list(self._post(f"{self.endpoints.lake}/where", body)["objects"])

    def where_is(self, name: Mapping[str, str]) -> Document:
        """Return what became of one object: {"key": a landed object's key} or {"uid": an instance's or a study's}."""
        return self._document(f"/where?{urlencode(name)}")

    def study(self, study_uid: str) -> Document:
        """Return where a study is in its life."""
        return self._document(f"/studies/{study_uid}")

    def statistics(self) -> Document:
        """Return the totals of the lake."""
        return self._document("/statistics")

    def changes(self, after: int = 0) -> Iterator[Document]:
        """Yield every change behind a number, page by page."""
        while True:
            page = self._document(f"/changes?after={after}&limit={PAGE}")
            yield from page["changes"]
            if not page["changes"]:
                return
            after = page["after"]

    def quarantine(self, limit: int) -> Iterator[Document]:
        """Yield up to `limit` quarantined objects, newest first, page by page."""
        after: str | None = ""
        while limit > 0 and after is not None:
            continued = f"&after={quote(after, safe='')}" if after else ""
            page = self._document(f"/quarantine?limit={min(limit, PAGE)}{continued}")
            yield from page["objects"]
            limit, after = limit - len(page["objects"]), page["after"]

    def quarantined(self, identity: str) -> Document:
        """Return everything of one quarantined object, with a URL to its bytes."""
        return self._document(f"/quarantine/{quote(identity)}")

    def restore_plan(self, key: InstanceKey) -> Document:
        """Return how to rebuild an instance from its pack."""
        return self._document(f"/restore/{key.study_uid}/{key.series_uid}/{key.instance_uid}")

    def search(self, path: str, query: Mapping[str, str]) -> list[Document]:
        """Return what a QIDO-RS search under the data store's root finds (PS3.18 10.6)."""
        asked = f"?{urlencode(query)}" if query else ""
        headers = {**self._headers, "Accept": "application/dicom+json"}
        answer = self.http.send("GET", f"{self.endpoints.dicomweb}/{path}{asked}", headers=headers)
        return list(json_of(answer) or [])

    def search_all(self, path: str, query: Mapping[str, str]) -> Iterator[Document]:
        """Yield everything a search finds, page by page."""
        offset = 0
        while True:
            page = self.search(path, {**query, "limit": str(PAGE), "offset": str(offset)})
            yield from page
            if len(page) < PAGE:
                return
            offset += PAGE

    def _document(self, path: str) -> Document:
        answer = self.http.send("GET", self.endpoints.lake + path, headers=self._headers)
        found: Document = json_of(answer)
        return found

    def _post(self, url: str, body: object) -> Document:
        answer = self.http.send("POST", url, json.dumps(body).encode(), self._headers)
        found: Document = json_of(answer)
        return found
