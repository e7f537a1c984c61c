"""Which pages of a browser may read the local lake: those of this machine, whatever their port (Fetch, CORS protocol).

Without a token the gateway answers as a reader, so a page of anybody else's, open in a browser on this machine, could
read every study if all origins were let in.
"""

import re

ALLOWED = (
    "accept",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "range",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
)
EXPOSED = (
    "allow",
    "content-location",
    "content-range",
    "etag",
    "location",
    "retry-after",
    "warning",
    "x-amzn-errortype",
    "x-request-id",
)
"""The same as the deployed API's (stacks/api.py)."""

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_LOOPBACK = re.compile(r"https?://(localhost|[a-z0-9-]+\.localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?\Z")


def answer_headers(origin: str) -> dict[str, str]:
    """Return what an answer says to a page of an origin; nothing of it where the page is not this machine's."""
    if not _LOOPBACK.match(origin):
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": ", ".join(EXPOSED),
        "Vary": "Origin",
    }


def preflight_headers(origin: str) -> dict[str, str]:
    """Return the answer to a page's question beforehand."""
    if not _LOOPBACK.match(origin):
        return {"Vary": "Origin"}
    return {
        **answer_headers(origin),
        "Access-Control-Allow-Headers": ", ".join(ALLOWED),
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Max-Age": "600",
    }
