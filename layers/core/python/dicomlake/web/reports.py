"""Rendered structured reports and key object selections (PS3.18 8.7.4.3): pages without anything active."""

from dataclasses import replace

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import JsonObject
from dicomlake.usecases.render_document import render_document
from dicomlake.web.accept import parse_accept
from dicomlake.web.call import Call
from dicomlake.web.large import stream_response
from dicomlake.web.response import Response

HTML, PLAIN = "text/html", "text/plain"
_KINDS = {HTML: HTML, PLAIN: PLAIN, "text/*": HTML, "*/*": HTML}
_GUARDS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-top-navigation",
    "x-content-type-options": "nosniff",
}
"""What a report says is not ours: a browser runs and loads nothing of it."""


def report_response(call: Call, tree: JsonObject) -> Response:
    """Answer a content tree as HTML, or as plain text where that is accepted before it."""
    for entry in parse_accept(call.request.accept()):
        kind = _KINDS.get(entry.media_type)
        if kind and entry.weight > 0:
            body = render_document(tree, kind, call.dicomweb_url)
            answer = stream_response(call, f"{kind}; charset=utf-8", [body])
            return replace(answer, headers={**answer.headers, **_GUARDS})
    raise NotAcceptableError(f"reports are available as {HTML} and {PLAIN}")
