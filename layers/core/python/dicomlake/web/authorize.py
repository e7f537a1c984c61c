"""Who may do what, decided in one place before any handler runs."""

import re
from enum import StrEnum

from dicomlake.domain.errors import ForbiddenError
from dicomlake.web.services import OpenStore


class Permission(StrEnum):
    """What a route asks of its caller."""

    READ = "read"
    """Read a data store: anyone the gateway authenticated where the store is cleared, else operators."""
    UPLOAD = "upload"
    """Send objects: anyone the gateway authenticated."""
    SIGNED = "signed"
    """Decided by the access key of the lake's that signed the request, which the handler looks at first."""
    OPERATE = "operate"
    """See and repair the lake itself: operators."""


_ROLE = re.compile(r"arn:(aws[a-z-]*):(?:iam|sts)::([0-9]{12}):(?:role|assumed-role)/(.+)\Z")


def authorize(caller: str, permission: Permission, store: OpenStore, operators: frozenset[str]) -> None:
    """Raise ForbiddenError unless the caller may do this to the store; an unknown caller may do nothing."""
    if permission is Permission.SIGNED:
        return
    if not caller:
        raise ForbiddenError("the request carries no identity: sign it")
    open_to_all = permission is Permission.UPLOAD or (permission is Permission.READ and store.cleared)
    if not open_to_all and not is_operator(caller, operators):
        raise ForbiddenError("this needs the operator role")


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
