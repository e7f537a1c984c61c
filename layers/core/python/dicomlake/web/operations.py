"""Handlers of the operations API: uploads, where-is-it, quarantine, statistics, changes, studies, restore plans."""

from typing import Any

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.model import LedgerKey, StudyUid, is_uid
from dicomlake.usecases.lake_statistics import lake_statistics, list_changes
from dicomlake.usecases.look_up_object import (
    find_study,
    list_quarantined,
    quarantined_entry,
    sign_kept,
    where_all,
    where_by_key,
    where_by_uid,
)
from dicomlake.usecases.plan_restore import plan_restore, plan_series
from dicomlake.usecases.sign_uploads import (
    EXPIRES,
    MAX_FILES,
    UploadFile,
    check_count,
    complete_upload,
    declare_study,
    resume_upload,
    sign_uploads,
)
from dicomlake.web.call import Call
from dicomlake.web.documents import (
    change_document,
    entry_document,
    restore_document,
    statistics_document,
    study_document,
    upload_document,
)
from dicomlake.web.response import Response, json_response


def post_uploads(call: Call) -> Response:
    """Sign a PUT for each file announced, and note a study's declared count if one is given."""
    body = call.request.json()
    files = tuple(_file(item) for item in _items(body, "files"))
    study = body.get("study")
    if study is not None:
        declare_study(_study_of(study), _integer(study, "expected"), call.ports.studies)
    source = body.get("source", "default")
    if not isinstance(source, str):
        raise InvalidRequestError("the source is a text")
    signed = sign_uploads(files, source, call.services.uploads, call.services.ids)
    return json_response({"expiresIn": EXPIRES, "files": [upload_document(one) for one in signed]})


def _items(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = body.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidRequestError(f"the body has a list of objects named {name}")
    return items


def _file(item: dict[str, Any]) -> UploadFile:
    sha256, crc32c = item.get("sha256", ""), item.get("crc32c", "")
    if not (isinstance(sha256, str) and isinstance(crc32c, str)):
        raise InvalidRequestError("checksums are texts: a sha256 of 64 lower-case hex digits, or a crc32c of 8")
    return UploadFile(_integer(item, "size"), sha256, crc32c)


def _integer(item: dict[str, Any], name: str) -> int:
    value = item.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequestError(f"{name} is a whole number")
    return value


def _study_of(item: object) -> StudyUid:
    uid = item.get("studyUid") if isinstance(item, dict) else None
    if not isinstance(uid, str) or not is_uid(uid):
        raise InvalidRequestError("a study declaration is {studyUid, expected}, with a UID")
    return StudyUid(uid)


def post_resume(call: Call) -> Response:
    """Sign again what of announced files is not there yet."""
    items = _items(call.request.json(), "files")
    if not 0 < len(items) <= MAX_FILES:
        raise InvalidRequestError(f"one request resumes 1 to {MAX_FILES} files")
    files, told = [_file(item) for item in items], []
    check_count(files)
    for item, file in zip(items, files, strict=True):
        key, upload = item.get("key"), item.get("uploadId", "")
        if not (isinstance(key, str) and isinstance(upload, str)):
            raise InvalidRequestError("a file to resume is {key, size, uploadId}, with its checksum if it has one")
        told.append(upload_document(resume_upload(file, key, upload, call.services.uploads)))
    return json_response({"expiresIn": EXPIRES, "files": told})


def post_complete(call: Call) -> Response:
    """Make objects of the parts that were sent."""
    items = _items(call.request.json(), "files")
    for item in items:
        etags = item.get("etags")
        texts = [
            item.get("key"),
            item.get("uploadId"),
            item.get("crc32c", ""),
            *(etags if isinstance(etags, list) else [None]),
        ]
        if not all(isinstance(text, str) for text in texts):
            raise InvalidRequestError("a file to complete is {key, uploadId, etags}, all of them texts")
        complete_upload(item["key"], item["uploadId"], item["etags"], call.services.uploads, item.get("crc32c", ""))
    return json_response({"completed": len(items)})


def get_where(call: Call) -> Response:
    """Say what became of a landed object, by its key or by a UID."""
    key, uid = call.request.parameter("key"), call.request.parameter("uid")
    if bool(key) == bool(uid) or (uid and not is_uid(uid)):
        raise InvalidRequestError("give either key, a landed object's key, or uid, a study's or an instance's UID")
    secret = call.services.secret.lake_secret()
    found = (
        where_by_key(key, call.services.landing_bucket, secret, call.ports) if key else where_by_uid(uid, call.ports)
    )
    study = study_document(found.study) if found.study else None
    return json_response({"objects": [entry_document(entry) for entry in found.entries], "study": study})


MAX_ASKED = 1000
"""Objects that one POST /lake/where asks for: ten batched reads of the index, half a megabyte of answer."""


def post_where(call: Call) -> Response:
    """Say what became of many landed objects; null stands for one that was not taken in yet."""
    objects = [(item.get("key"), item.get("version")) for item in _items(call.request.json(), "objects")]
    asked = [(key, version) for key, version in objects if isinstance(key, str) and isinstance(version, str)]
    if len(asked) != len(objects) or not 0 < len(asked) <= MAX_ASKED:
        raise InvalidRequestError(f"ask for 1 to {MAX_ASKED} objects, each {{key, version}}, both of them texts")
    secret = call.services.secret.lake_secret()
    found = where_all(asked, call.services.landing_bucket, secret, call.ports)
    return json_response({"objects": [entry_document(entry) if entry else None for entry in found]})


def get_quarantine(call: Call) -> Response:
    """List what is in quarantine, newest first."""
    limit = call.request.number("limit", 100, 1, 1000)
    page = list_quarantined(call.ports, call.request.parameter("after"), limit)
    return json_response({"objects": [entry_document(entry) for entry in page.items], "after": page.after or None})


def get_quarantined(call: Call) -> Response:
    """Tell everything of one object in quarantine, with a URL to its bytes."""
    entry = quarantined_entry(LedgerKey(call.path["hash"], call.path["version"]), call.ports)
    return json_response({**entry_document(entry), "url": sign_kept(entry, call.services.quarantine) or None})


def get_statistics(call: Call) -> Response:
    """Tell the totals of a data store."""
    return json_response(statistics_document(lake_statistics(call.ports.feed)))


def get_changes(call: Call) -> Response:
    """List the changes behind a number, in order."""
    after = call.request.number("after", 0, 0, 2**53)
    changes = list_changes(call.ports.feed, after, call.request.number("limit", 100, 1, 1000))
    last = changes[-1].number if changes else after
    return json_response({"changes": [change_document(change) for change in changes], "after": last})


def get_study(call: Call) -> Response:
    """Tell where a study is in its life."""
    return json_response(study_document(find_study(call.study_uid, call.ports)))


def get_restore(call: Call) -> Response:
    """Give the plan by which a client rebuilds the landed object."""
    return json_response(restore_document(plan_restore(call.key, call.ports)))


def get_series_restore(call: Call) -> Response:
    """Give the plans of a series, a page at a time."""
    page = plan_series(call.study_uid, call.series_uid, call.request.parameter("after"), call.ports)
    plans = [{"instance": plan.record.key.instance_uid, **restore_document(plan)} for plan in page.items]
    return json_response({"instances": plans, "after": page.after or None})
