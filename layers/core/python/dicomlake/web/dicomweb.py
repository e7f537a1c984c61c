"""DICOMweb handlers: QIDO-RS search, WADO-RS metadata and frames (PS3.18 10.4 and 10.6)."""

import gzip
import hashlib
from collections.abc import Callable

from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import JsonObject, SeriesUid, StudyUid
from dicomlake.domain.query import Query, parse_query
from dicomlake.lake.metadata import placed_metadata
from dicomlake.usecases.retrieve_metadata import Metadata, instance_metadata, series_metadata, study_metadata
from dicomlake.usecases.search_children import search_instances, search_series
from dicomlake.usecases.search_pages import Reader, Remaining, SearchResult
from dicomlake.usecases.search_studies import search_studies
from dicomlake.usecases.write_native_model import write_native_model
from dicomlake.web.accept import XML, XML_PARTS, check_json, choose_datasets
from dicomlake.web.call import Call
from dicomlake.web.known import CACHED, is_known
from dicomlake.web.multipart import Part, multipart_body
from dicomlake.web.response import GZIP_FROM, MAX_BODY, Response, json_response

Run = Callable[[Query, Call], SearchResult]


def _search(level: QueryLevel, run: Run) -> Callable[[Call], Response]:
    def handle(call: Call) -> Response:
        media_type = choose_datasets(call.request.accept())
        query = parse_query(level, call.request.query)
        return search_response(run(query, call), media_type, call.dicomweb_url)

    return handle


def search_response(result: SearchResult, media_type: str, service: str) -> Response:
    """Return a page of answers: 200, or 204 where there is none; Warning 299 where more remain (PS3.18 10.6.3.1)."""
    headers = {"warning": f"299 {service}: {_told(result.remaining)}"} if result.more else {}
    if not result.items:
        return Response(204, headers=headers)
    answer = _datasets(result.items, media_type)
    return Response(200, answer.body, {**answer.headers, **headers})


def _datasets(items: tuple[JsonObject, ...], media_type: str) -> Response:
    if media_type != XML_PARTS:
        return json_response(list(items), media_type=media_type)
    boundary, body = multipart_body([Part(XML, write_native_model(item)) for item in items])
    return Response(200, body, {"content-type": f"{XML_PARTS}; boundary={boundary}"})


def _told(remaining: Remaining) -> str:
    if not remaining.count:
        return "There may be additional results that can be requested"
    count = remaining.count if remaining.certain else f"at least {remaining.count}"
    return f"There are {count} additional results that can be requested"


def _study(call: Call) -> StudyUid | None:
    return call.study_uid if "study" in call.path else None


def _series(call: Call) -> SeriesUid | None:
    return call.series_uid if "series" in call.path else None


def _reader(call: Call) -> Reader:
    return Reader(call.request.caller, call.services.clock.now())


find_studies = _search(
    QueryLevel.STUDY, lambda query, call: search_studies(query, call.ports, call.dicomweb_url, _reader(call))
)
find_series = _search(
    QueryLevel.SERIES,
    lambda query, call: search_series(query, call.ports, call.dicomweb_url, _study(call), _reader(call)),
)
find_instances = _search(
    QueryLevel.INSTANCE,
    lambda query, call: search_instances(
        query, call.ports, call.dicomweb_url, _study(call), _series(call), _reader(call)
    ),
)


def _metadata(read: Callable[[Call], Metadata]) -> Callable[[Call], Response]:
    def handle(call: Call) -> Response:
        media_type = check_json(call.request.accept())
        found, study_url = read(call), f"{call.dicomweb_url}/studies/{call.study_uid}"
        digest = hashlib.blake2b(found.body, digest_size=16)
        digest.update(study_url.encode())
        tag = f'W/"{digest.hexdigest()}"'
        checks = {"etag": tag, **CACHED}
        if is_known(tag, call.request.headers.get("if-none-match", "")):
            return Response(304, headers=checks)
        body = placed_metadata(found.plain(), study_url)
        headers = {"content-type": media_type, "vary": "accept-encoding", **checks}
        if len(body) < GZIP_FROM or not call.request.accepts_gzip():
            return Response(200, body, headers)
        return Response(200, _packed(body), {**headers, "content-encoding": "gzip"})

    return handle


def _packed(body: bytes) -> bytes:
    """Compress fast, and well only where that makes the difference to what one answer carries."""
    fast = gzip.compress(body, 1, mtime=0)
    return fast if len(fast) <= MAX_BODY else gzip.compress(body, 6, mtime=0)


def _version(call: Call) -> int | None:
    """The version of the study that is asked for, by the parameter of that name; None is the newest."""
    return call.request.number("version", 0, 0, 10**8 - 1) if call.request.parameter("version") else None


get_study_metadata = _metadata(lambda call: study_metadata(call.study_uid, call.ports, _version(call)))
get_series_metadata = _metadata(
    lambda call: series_metadata(call.study_uid, call.series_uid, call.ports, _version(call))
)
get_instance_metadata = _metadata(lambda call: instance_metadata(call.key, call.ports, _version(call)))
