"""Who may do what, decided in one place before any handler runs."""

import re
from enum import StrEnum

from dicomlake.domain.errors import ForbiddenError
from dicomlake.web.request import Request
from dicomlake.web.services import OpenStore


class Permission(StrEnum):
    """What a route asks of its caller."""

    KNOW = "know"
    """Learn what the API is: anyone the gateway authenticated."""
    READ = "read"
    """Read a data store: anyone the gateway authenticated where the store is cleared, else operators."""
    UPLOAD = "upload"
    """Send objects: anyone the gateway authenticated."""
    SIGNED = "signed"
    """Decided by the access key of the lake's that signed the request, which the handler looks at first."""
    CHANGE = "change"
    """Delete, correct and hold what is stored, and see who did: operators."""
    OPERATE = "operate"
    """See and repair the lake itself: operators."""


OPERATOR = "operator"
"""The group whose members may do everything."""

_ROLE = re.compile(r"arn:(aws[a-z-]*):(?:iam|sts)::([0-9]{12}):(?:role|assumed-role)/(.+)\Z")


def authorize(request: Request, permission: Permission, store: OpenStore, operators: frozenset[str]) -> None:
    """Raise ForbiddenError unless the caller may do this to the store; an unknown caller may do nothing.

    Where the caller came by a token, its grants decide, never what is open to every role: a token that grants nothing
    may do nothing.
    """
    if permission is Permission.SIGNED:
        return None
    if not request.caller:
        raise ForbiddenError("the request carries no identity: sign it")
    if request.grants is not None:
        return _authorize_token(request.grants, permission, store)
    if permission is Permission.KNOW or permission is Permission.UPLOAD:
        return None
    if permission is Permission.READ and store.cleared:
        return None
    if not is_operator(request.caller, operators):
        raise ForbiddenError("this needs the operator role")
    return None


def _authorize_token(grants: frozenset[str], permission: Permission, store: OpenStore) -> None:
    if permission is Permission.KNOW or OPERATOR in grants:
        return
    needed = OPERATOR if permission is Permission.OPERATE else f"{store.label}:{permission}"
    if needed not in grants:
        raise ForbiddenError(f"this needs the group or scope {needed}")


def is_operator(caller: str, operators: frozenset[str]) -> bool:
    """Whether a caller is one of the roles, as itself or as a session of it, or one of the users by exact ARN."""
    return caller in operators or (
        _role(caller) is not None and _role(caller) in {_role(operator) for operator in operators}
    )


def _role(arn: str) -> tuple[str, str, str] | None:
    """Return partition, account and name of the role in an ARN: a session has no role path, so neither has this."""
    match = _ROLE.match(arn)
    if match is None:
        return None
    partition, account, rest = match.groups()
    name = rest.split("/")[0] if ":assumed-role/" in arn else rest.rsplit("/", 1)[-1]
    return partition, account, name
