"""The lake's API as methods: what docs/api.md lists, asked as the operator."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from dicomlake.client.http import Answer, Http, json_of
from dicomlake.client.signing import signer
from dicomlake.domain.model import InstanceKey
from dicomlake.local.endpoints import Endpoints

Document = dict[str, Any]
PAGE = 1000


class LakeClient:
    """One lake; every method is one request unless it says otherwise, and raises LakeClientError in words."""

    def __init__(self, endpoints: Endpoints, http: Http | None = None) -> None:
        self.endpoints = endpoints
        self.http = http or Http()
        self._sign = signer(endpoints)

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
        return self._document(f"/where?{_query(name)}")

    def study(self, study_uid: str) -> Document:
        """Return where a study is in its life."""
        return self._document(f"/studies/{study_uid}")

    def share(self, study_uid: str, seconds: int) -> Document:
        """Return a link by which whoever holds it reads one study for so long."""
        return self._post(f"{self.endpoints.lake}/links", {"study": study_uid, "seconds": seconds})

    def revoke(self, link_id: str) -> None:
        """Let nobody follow a link any more."""
        json_of(self._send("DELETE", f"{self.endpoints.lake}/links/{quote(link_id, safe='')}", None, {}))

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

    def access_keys(self) -> list[Document]:
        """Return every access key of the HealthImaging API, without their secrets."""
        return list(self._document("/keys")["keys"])

    def issue_access_key(self, name: str, datastore: str, read_only: bool) -> Document:
        """Return a new access key with its secret, for one data store or for `all`."""
        return self._post(f"{self.endpoints.lake}/keys", {"name": name, "datastore": datastore, "readOnly": read_only})

    def revoke_access_key(self, access_key_id: str) -> Document:
        """Revoke an access key and return it."""
        found: Document = json_of(self._send("DELETE", f"{self.endpoints.lake}/keys/{quote(access_key_id)}", None, {}))
        return found

    def restore_plan(self, key: InstanceKey) -> Document:
        """Return how to rebuild an instance from its pack."""
        return self._document(f"/restore/{key.study_uid}/{key.series_uid}/{key.instance_uid}")

    def restore_plans(self, study_uid: str, series_uid: str) -> Iterator[Document]:
        """Yield how to rebuild each instance of a series (`instance` names it), a hundred a request."""
        after: str | None = ""
        while after is not None:
            continued = f"?{_query({'after': after})}" if after else ""
            page = self._document(f"/restore/{study_uid}/{series_uid}{continued}")
            yield from page["instances"]
            after = page["after"]

    def search(self, path: str, query: Mapping[str, str]) -> list[Document]:
        """Return what a QIDO-RS search under the data store's root finds (PS3.18 10.6)."""
        asked = f"?{_query(query)}" if query else ""
        return list(json_of(self.retrieve(path + asked, "application/dicom+json")) or [])

    def search_all(self, path: str, query: Mapping[str, str]) -> Iterator[Document]:
        """Yield everything a search finds, a page a request; a page is asked for when it is needed."""
        offset = 0
        while True:
            page = self.search(path, {**query, "limit": str(PAGE), "offset": str(offset)})
            yield from page
            if len(page) < PAGE:
                return
            offset += PAGE

    def retrieve(self, path: str, accept: str) -> Answer:
        """Return the answer to a GET under the data store's DICOMweb root, an error's too."""
        return self._send("GET", f"{self.endpoints.dicomweb}/{path}", None, {"Accept": accept})

    def ask(self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to any signed request, an error's too."""
        return self._send(method, url, body, dict(headers or {}))

    def _document(self, path: str) -> Document:
        found: Document = json_of(self._send("GET", self.endpoints.lake + path, None, {}))
        return found

    def _post(self, url: str, body: object) -> Document:
        content = json.dumps(body).encode()
        found: Document = json_of(self._send("POST", url, content, {"Content-Type": "application/json"}))
        return found

    def _send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        return self.http.send(method, url, body, self._sign(method, url, body, headers))


def _query(names: Mapping[str, str]) -> str:
    """Return a query as signatures spell it: a space is %20 (SigV4, canonical request)."""
    return urlencode(names, quote_via=quote, safe="")
