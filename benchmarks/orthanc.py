"""The peer: Orthanc from the distribution's package, on the same machine and files, in the same run."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import urllib3

from dicomlake.local.engine import free_port

J2K_LOSSLESS = "1.2.840.10008.1.2.4.90"
SENDERS = 4
GDCM = Path("/usr/share/orthanc/plugins/libOrthancGdcm.so")
"""What encodes JPEG 2000; Orthanc without it stores as sent and says nothing."""
HEADERS = {"Content-Type": "application/dicom", "Expect": ""}


@dataclass(frozen=True, slots=True)
class Orthanc:
    """A running Orthanc and what it is asked by."""

    url: str
    pid: int
    version: str
    http: urllib3.PoolManager
    syntax: str

    def store(self, files: Sequence[Path]) -> float:
        """Send every file by REST from four threads; return the seconds until the last one was stored."""
        started = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as senders:
            statuses = set(senders.map(self._store_one, files))
        seconds = time.monotonic() - started
        if statuses != {200}:
            raise SystemExit(f"Orthanc answered {statuses}")
        self._check_syntax()
        return seconds

    def _check_syntax(self) -> None:
        """Make sure that Orthanc did what it is measured for."""
        newest = self.http.request("GET", f"{self.url}/instances?limit=1&since=0").json()[0]
        stored = self.http.request("GET", f"{self.url}/instances/{newest}/metadata/TransferSyntax").data.decode()
        if self.syntax and stored != self.syntax:
            raise SystemExit(f"Orthanc stored {stored}, not {self.syntax}: is its package orthanc-gdcm installed?")

    def _store_one(self, file: Path) -> int:
        return self.http.request("POST", f"{self.url}/instances", body=file.read_bytes(), headers=HEADERS).status


def executable() -> str:
    """Return where Orthanc is, "" where it or its encoder is not installed."""
    return (shutil.which("Orthanc") or "") if GDCM.exists() else ""


@contextlib.contextmanager
def running(transcode_to: str = J2K_LOSSLESS) -> Iterator[Orthanc]:
    """Run an empty Orthanc that compresses what it is sent, as dicomlake does; "" stores as sent."""
    with tempfile.TemporaryDirectory(prefix="bench-orthanc-") as folder:
        port = free_port()
        settings = Path(folder) / "orthanc.json"
        settings.write_text(json.dumps(_settings(folder, port, transcode_to)))
        process = subprocess.Popen(  # noqa: S603 - the package's own binary
            [executable(), str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield _await(f"http://127.0.0.1:{port}", process, transcode_to)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _settings(folder: str, port: int, transcode_to: str) -> dict[str, object]:
    settings: dict[str, object] = {
        "Name": "bench",
        "StorageDirectory": f"{folder}/storage",
        "IndexDirectory": f"{folder}/index",
        "HttpPort": port,
        "DicomPort": free_port(),
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(GDCM)],
        "TcpNoDelay": True,
        "KeepAlive": True,
        "HttpThreadsCount": 50,
        "LimitFindResults": 0,
        "ConcurrentJobs": os.cpu_count(),
    }
    return settings | ({"IngestTranscoding": transcode_to} if transcode_to else {})


def _await(url: str, process: subprocess.Popen[bytes], syntax: str) -> Orthanc:
    again = urllib3.Retry(total=3, allowed_methods=None)  # it closes idle connections without a word
    http = urllib3.PoolManager(maxsize=SENDERS, retries=again)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            told = http.request("GET", f"{url}/system").json()
            return Orthanc(url, process.pid, told["Version"], http, syntax)
        time.sleep(0.1)
    raise SystemExit("Orthanc did not start within 30 s")
