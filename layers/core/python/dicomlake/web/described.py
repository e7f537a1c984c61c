"""What the OpenAPI document says of each route beyond the route table: a line a route, a kind for what they share."""

from dataclasses import dataclass

from dicomlake.web.imaging_model_table import OPERATIONS

DICOM_JSON, JSON = "application/dicom+json", "application/json"
Parameters = tuple[tuple[str, str, str], ...]
"""Query parameters: name, JSON Schema type, what it means."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What routes of one kind share: how they are grouped, the media types and statuses of answers, the parameters.

    `matches` says that any other parameter is a key to match.
    """

    tag: str
    media_types: tuple[str, ...]
    statuses: tuple[int, ...]
    parameters: Parameters = ()
    matches: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """One route: its operation id, a sentence, its kind, and the fields of its JSON body: name, type, needed.

    `takes` are the media types of a body that is none.
    """

    operation_id: str
    summary: str
    kind: Kind
    body: tuple[tuple[str, str, bool], ...] = ()
    parameters: Parameters = ()
    success: int = 200
    takes: tuple[str, ...] = ()

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types of its answers."""
        return self.kind.media_types


_ACCEPT = ("accept", "string", "media types, in place of the header Accept")
_PAGE = (("limit", "integer", "answers at most"), ("offset", "integer", "answers to leave out before the first"))
_MULTIPART = "multipart/related"
_STORE_NAME = ("datastore", "string", "the data store's id; the default data store without it")
_VIEWPORT = ("viewport", "string", "width,height or width,height,x,y,width,height")

_SEARCH = Kind(
    "Search",
    (DICOM_JSON, JSON, _MULTIPART),
    (200, 204, 400, 406, 413),
    (
        *_PAGE,
        ("includefield", "string", "more attributes by keyword, tag or path, or all"),
        ("fuzzymatching", "boolean", "names by words, beginnings and sound"),
        ("emptyvaluematching", "boolean", "two quotation marks find what has no value"),
        ("multiplevaluematching", "boolean", "a list finds what has every value of it"),
        _ACCEPT,
    ),
    matches=True,
)
_VERSION = ("version", "integer", "as of this number of the study's history; 0 is as it was stored")
_METADATA = Kind("Retrieve", (DICOM_JSON, JSON), (200, 304, 406, 413), (_ACCEPT, _VERSION))
_FILES = Kind("Retrieve", (_MULTIPART, "application/dicom"), (200, 206, 303, 406, 413), (_ACCEPT,))
_FRAMES = Kind(
    "Retrieve",
    (_MULTIPART, "application/octet-stream", "image/jphc", "image/jp2", "image/jls", "image/jpeg", "image/dicom-rle"),
    (200, 206, 303, 304, 400, 406, 416),
    (_ACCEPT,),
)
_BULK = Kind(
    "Retrieve",
    (_MULTIPART, "application/octet-stream", "application/pdf", "video/mp4"),
    (200, 206, 303, 304, 406, 416),
    (_ACCEPT,),
)
_RENDERED = Kind(
    "Render",
    ("image/jpeg", "image/png", "image/gif", _MULTIPART, "video/mp4", "application/pdf", "text/html", "text/plain"),
    (200, 206, 303, 304, 400, 406, 413),
    (("window", "string", "centre,width,function"), _VIEWPORT, ("quality", "integer", "of a JPEG, 1 to 100"), _ACCEPT),
)
_THUMBNAIL = Kind("Render", ("image/jpeg", "image/png", "image/gif"), (200, 400, 406), (_VIEWPORT, _ACCEPT))
_URI = Kind(
    "Retrieve",
    ("image/jpeg", "image/png", "image/gif", "application/dicom"),
    (200, 303, 304, 400, 406),
    (
        ("requestType", "string", "WADO"),
        ("studyUID", "string", "the study"),
        ("seriesUID", "string", "the series"),
        ("objectUID", "string", "the instance"),
        ("contentType", "string", "the media types wanted"),
        ("transferSyntax", "string", "of a file"),
        ("frameNumber", "integer", "of a picture, from 1"),
        ("windowCenter", "number", "with windowWidth"),
        ("windowWidth", "number", "with windowCenter"),
        ("rows", "integer", "of a picture at most"),
        ("columns", "integer", "of a picture at most"),
        ("region", "string", "left,top,right,bottom, each from 0 to 1"),
        ("imageQuality", "integer", "of a JPEG, 1 to 100"),
        ("anonymize", "string", "refused: de-identified copies are in a data store of their own"),
        ("presentationUID", "string", "refused: presentation states are not applied"),
    ),
)
_STORED = Kind(
    "Store", (DICOM_JSON, JSON, _MULTIPART, "application/dicom+xml"), (200, 202, 400, 406, 409, 413, 415), (_ACCEPT,)
)
_TAKEN = (_MULTIPART, "application/dicom", DICOM_JSON, "application/dicom+xml")
_UPLOAD = Kind("Uploads", (JSON,), (200, 400, 404, 413), (_STORE_NAME,))
_LAKE = Kind("Operations", (JSON,), (200, 400), (_STORE_NAME,))
_ITSELF = Kind("Operations", (JSON,), (200,))
_REASON = ("reason", "string", "why, for the history")
_CHANGED = Kind("Changes", (JSON,), (200, 202, 404, 409, 410), (_REASON,))
_CORRECTED = Kind("Changes", (JSON,), (200, 202, 400, 404, 409, 410, 412, 413), (_REASON,))
_OF_A_STUDY = Kind("Changes", (JSON,), (200, 202, 400, 404, 409), (_STORE_NAME, _REASON))
_LINK = Kind("Study links", (JSON,), (400,), (_STORE_NAME,))

_AFTER = ("after", "string", "continue behind this")
_LIMIT = ("limit", "integer", "answers at most")
_STORE = "/dicomweb/{datastore}"
_STUDY = f"{_STORE}/studies/{{study}}"
_SERIES = f"{_STUDY}/series/{{series}}"
_INSTANCE = f"{_SERIES}/instances/{{instance}}"

DESCRIBED: dict[tuple[str, str], About] = {
    ("GET", f"{_STORE}/studies"): About("searchStudies", "Search for studies", _SEARCH),
    ("GET", f"{_STORE}/series"): About("searchSeries", "Search for series of any study", _SEARCH),
    ("GET", f"{_STORE}/instances"): About("searchInstances", "Search for instances of any study", _SEARCH),
    ("GET", f"{_STUDY}/series"): About("searchSeriesOfStudy", "Search for series of a study", _SEARCH),
    ("GET", f"{_STUDY}/instances"): About("searchInstancesOfStudy", "Search for instances of a study", _SEARCH),
    ("GET", f"{_SERIES}/instances"): About("searchInstancesOfSeries", "Search for instances of a series", _SEARCH),
    ("GET", _STUDY): About("getStudy", "The DICOM files of a study", _FILES),
    ("GET", _SERIES): About("getSeries", "The DICOM files of a series", _FILES),
    ("GET", _INSTANCE): About("getInstance", "The DICOM file of an instance", _FILES),
    ("GET", f"{_STUDY}/metadata"): About("getStudyMetadata", "The metadata of a study", _METADATA),
    ("GET", f"{_SERIES}/metadata"): About("getSeriesMetadata", "The metadata of a series", _METADATA),
    ("GET", f"{_INSTANCE}/metadata"): About("getInstanceMetadata", "The metadata of an instance", _METADATA),
    ("GET", f"{_INSTANCE}/frames/{{frames}}"): About("getFrames", "Frames, in the order asked for", _FRAMES),
    ("GET", f"{_INSTANCE}/frames/{{frames}}/rendered"): About("renderFrames", "Frames as pictures", _RENDERED),
    ("GET", f"{_INSTANCE}/frames/{{frames}}/thumbnail"): About("thumbnailFrame", "A frame, small", _THUMBNAIL),
    ("GET", f"{_INSTANCE}/bulkdata/{{bulk}}"): About("getBulkData", "A value that metadata name by URL", _BULK),
    ("GET", f"{_INSTANCE}/rendered"): About("renderInstance", "An instance as a browser shows it", _RENDERED),
    ("GET", f"{_INSTANCE}/thumbnail"): About("thumbnailInstance", "An instance, small", _THUMBNAIL),
    ("GET", f"{_SERIES}/rendered"): About("renderSeries", "The images of a series as pictures", _RENDERED),
    ("GET", f"{_SERIES}/thumbnail"): About("thumbnailSeries", "The middle image of a series, small", _THUMBNAIL),
    ("GET", f"{_STUDY}/rendered"): About("renderStudy", "The images of a study as pictures", _RENDERED),
    ("GET", f"{_STUDY}/thumbnail"): About("thumbnailStudy", "The middle image of a study, small", _THUMBNAIL),
    ("GET", f"{_STORE}/wado"): About("getByUri", "An instance by query parameters (WADO-URI)", _URI),
    ("POST", f"{_STORE}/studies"): About("storeInstances", "Store instances", _STORED, takes=_TAKEN),
    ("POST", _STUDY): About("storeInstancesOfStudy", "Store instances of one study", _STORED, takes=_TAKEN),
    ("GET", f"{_STORE}/received/{{receipt}}"): About(
        "getReceived", "What became of a store request that was answered before all was decided", _STORED
    ),
    ("DELETE", _STUDY): About("deleteStudy", "Hide a study", _CHANGED, success=204),
    ("DELETE", _SERIES): About("deleteSeries", "Hide a series", _CHANGED, success=204),
    ("DELETE", _INSTANCE): About("deleteInstance", "Hide an instance", _CHANGED, success=204),
    **{
        (method, f"{resource}/metadata"): About(
            f"{verb}{level}", f"Lay elements over {what}", _CORRECTED, success=204, takes=(DICOM_JSON, JSON)
        )
        for resource, level, what in (
            (_STUDY, "Study", "the metadata of a study"),
            (_SERIES, "Series", "the metadata of a series"),
            (_INSTANCE, "Instance", "the metadata of an instance"),
        )
        for method, verb in (("PATCH", "correct"), ("PUT", "putCorrected"))
    },
    ("GET", "/lake/studies/{study}/history"): About("getHistory", "What was changed of a study", _LAKE),
    ("POST", "/lake/studies/{study}/history/{number}/undo"): About(
        "undoChange", "Take back a change", _OF_A_STUDY, success=204
    ),
    ("POST", "/lake/studies/{study}/purge"): About(
        "purgeStudy", "Give up the bytes of what is deleted", _OF_A_STUDY, success=202
    ),
    ("PUT", "/lake/studies/{study}/hold"): About("holdStudy", "Put a study under a hold", _OF_A_STUDY, success=204),
    ("DELETE", "/lake/studies/{study}/hold"): About("releaseStudy", "Release a study", _OF_A_STUDY, success=204),
    ("GET", "/openapi.json"): About("getApi", "This document", _ITSELF),
    ("POST", "/uploads"): About(
        "signUploads",
        "Announce files and get a signed PUT for each",
        _UPLOAD,
        (("files", "array", True), ("source", "string", False), ("study", "object", False)),
    ),
    ("POST", "/uploads/resume"): About(
        "resumeUploads", "Sign again what of announced files is not there yet", _UPLOAD, (("files", "array", True),)
    ),
    ("POST", "/uploads/complete"): About(
        "completeUploads", "Make objects of the parts that were sent", _UPLOAD, (("files", "array", True),)
    ),
    ("GET", "/lake/where"): About(
        "where",
        "What became of a landed object",
        _LAKE,
        parameters=(("key", "string", "a landed object's key"), ("uid", "string", "an instance's or a study's UID")),
    ),
    ("POST", "/lake/where"): About(
        "whereAll", "What became of many landed objects", _LAKE, (("objects", "array", True),)
    ),
    ("GET", "/lake/studies/{study}"): About("getStudyState", "Where a study is in its life", _LAKE),
    ("GET", "/lake/restore/{study}/{series}"): About(
        "planSeriesRestore", "How to rebuild a series' landed objects", _LAKE, parameters=(_AFTER,)
    ),
    ("GET", "/lake/restore/{study}/{series}/{instance}"): About(
        "planRestore", "How to rebuild one landed object", _LAKE
    ),
    ("POST", "/lake/links"): About(
        "shareStudy",
        "Give out a link to a study",
        _LINK,
        (("study", "string", True), ("seconds", "integer", False)),
        success=201,
    ),
    ("DELETE", "/lake/links/{link}"): About("revokeLink", "Revoke a study link", _LINK, success=204),
    ("GET", "/lake/keys"): About("listKeys", "The access keys of the HealthImaging API's clients", _LAKE),
    ("POST", "/lake/keys"): About(
        "issueKey",
        "Issue an access key",
        _LAKE,
        (("name", "string", True), ("datastore", "string", True), ("readOnly", "boolean", False)),
        success=201,
    ),
    ("DELETE", "/lake/keys/{key}"): About("revokeKey", "Revoke an access key", _LAKE),
    ("GET", "/lake/quarantine"): About(
        "listQuarantine", "What is in quarantine, newest first", _LAKE, parameters=(_AFTER, _LIMIT)
    ),
    ("GET", "/lake/quarantine/{hash}/{version}"): About("getQuarantined", "One object in quarantine", _LAKE),
    ("GET", "/lake/statistics"): About("getStatistics", "The totals of a data store", _LAKE),
    ("GET", "/lake/changes"): About(
        "listChanges",
        "The change feed behind a number",
        _LAKE,
        parameters=(("after", "integer", "a change's number"), _LIMIT),
    ),
}
"""Every row of the route table but HealthImaging's; tests/unit/web/test_openapi.py compares the two."""

_IMAGING = Kind(
    "HealthImaging", (JSON, "application/octet-stream", "application/x-amz-json-1.1"), (200, 400, 402, 406, 409)
)
_OPERATIONS = {(method, template): name for name, (method, template, *_) in OPERATIONS.items()}


def about(method: str, template: str) -> About:
    """Return what is said of a route: by hand, or for an operation of HealthImaging what botocore's model calls it."""
    name = _OPERATIONS.get((method, template))
    if name is None:
        return DESCRIBED[method, template]
    return About(name, f"{name} of AWS HealthImaging's API, in the shapes of botocore's service model", _IMAGING)
