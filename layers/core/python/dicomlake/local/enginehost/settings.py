"""What the process that starts the engine tells it, by environment variables of one prefix."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "DICOMLAKE_ENGINE_"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Where the engine's host finds what it runs."""

    port: int
    handler_python: str
    cache: Path
    images: Path
    concurrency: int = 2
    idle_seconds: float = 300.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "HostSettings":
        """Read the settings; a missing one is a KeyError that names it."""
        return cls(
            port=int(environment["GATEWAY_PORT"]),
            handler_python=environment[PREFIX + "HANDLER_PYTHON"],
            cache=Path(environment[PREFIX + "CACHE"]),
            images=Path(environment[PREFIX + "IMAGES"]),
            concurrency=int(environment.get(PREFIX + "CONCURRENCY", "2")),
            idle_seconds=float(environment.get(PREFIX + "IDLE_SECONDS", "300")),
        )


def guest_environment(settings: HostSettings, region: str, account: str) -> dict[str, str]:
    """Return what every Lambda and Fargate process gets: an allow-list, so that nothing of the host leaks in."""
    return {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": region,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{settings.port}",
        "AWS_REGION": region,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "TZ": ":UTC",
    }
