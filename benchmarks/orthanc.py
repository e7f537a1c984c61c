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
from local_run import cpu_seconds

from dicomlake.local.engine import free_port

J2K_LOSSLESS = "1.2.840.10008.1.2.4.90"
SENDERS = 4
GDCM = Path("/usr/share/orthanc/plugins/libOrthancGdcm.so")
"""What encodes JPEG 2000; Orthanc without it stores as sent and says nothing."""
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
"""What answers DICOMweb (Debian: orthanc-dicomweb); it needs GDCM where it renders compressed frames."""
THREADS = os.cpu_count() or 1
"""Threads in GDCM at once: one a core. More are slower, and Orthanc then dies of them within a few hundred images."""
HEADERS = {"Content-Type": "application/dicom", "Expect": ""}


@dataclass(frozen=True, slots=True)
class Stored:
    """One round: the wall and CPU seconds that storing took."""

    seconds: float
    cpu: float


class Orthanc:
    """A running Orthanc; one that dies while it stores is started again, and its round is lost."""

    def __init__(self, folder: Path, syntax: str) -> None:
        self.rounds: list[Stored] = []
        self.lost = 0
        self._folder = folder
        self._syntax = syntax
        # It closes idle connections without a word, and answers 500 where its SQLite is busy.
        again = urllib3.Retry(total=5, allowed_methods=None, status_forcelist=[500], backoff_factor=0.1)
        self._http = urllib3.PoolManager(maxsize=SENDERS, retries=again)
        self._start()

    def store(self, files: Sequence[Path]) -> Stored | None:
        """Send every file by REST from four threads; None when Orthanc died of it."""
        cpu, started = self.cpu(), time.monotonic()
        try:
            with ThreadPoolExecutor(SENDERS) as senders:
                statuses = set(senders.map(self._store_one, files))
            seconds = time.monotonic() - started
            self._check(statuses)
        except urllib3.exceptions.HTTPError:
            self._restart()
            return None
        return Stored(seconds, self.cpu() - cpu)

    @property
    def dicomweb(self) -> str:
        """The root of its DICOMweb service."""
        return f"{self._url}/dicom-web"

    def cpu(self) -> float:
        """Return its CPU seconds so far."""
        return sum(cpu_seconds(self._process.pid))

    def measure(self, files: Sequence[Path]) -> None:
        """Store files as a round that counts."""
        stored = self.store(files)
        self.rounds += [stored] if stored else []
        self.lost += stored is None

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    def _check(self, statuses: set[int]) -> None:
        """Make sure that Orthanc did what it is measured for."""
        if statuses != {200}:
            raise SystemExit(f"Orthanc answered {statuses}")
        newest = self._http.request("GET", f"{self._url}/instances?limit=1&since=0").json()[0]
        stored = self._http.request("GET", f"{self._url}/instances/{newest}/metadata/TransferSyntax").data.decode()
        if self._syntax and stored != self._syntax:
            raise SystemExit(f"Orthanc stored {stored}, not {self._syntax}: is its package orthanc-gdcm installed?")

    def _store_one(self, file: Path) -> int:
        return self._http.request("POST", f"{self._url}/instances", body=file.read_bytes(), headers=HEADERS).status

    def _restart(self) -> None:
        """Start it again, empty; SystemExit where it still runs: then it is something else that failed."""
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            raise SystemExit("Orthanc runs and does not answer") from None
        shutil.rmtree(self._folder / "storage", ignore_errors=True)
        shutil.rmtree(self._folder / "index", ignore_errors=True)
        self._start()

    def _start(self) -> None:
        port = free_port()
        settings = self._folder / "orthanc.json"
        settings.write_text(json.dumps(_settings(self._folder, port, self._syntax)))
        self._url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(  # noqa: S603 - the package's own binary
            [executable(), str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                self._http.request("GET", f"{self._url}/system", retries=False)
                return
            time.sleep(0.1)
        raise SystemExit("Orthanc did not start within 30 s")


def executable() -> str:
    """Return where Orthanc is, "" where it or its encoder is not installed."""
    return (shutil.which("Orthanc") or "") if GDCM.exists() else ""


@contextlib.contextmanager
def running(transcode_to: str = J2K_LOSSLESS) -> Iterator[Orthanc]:
    """Run an empty Orthanc that compresses what it is sent, as dicomlake does; "" stores as sent."""
    with tempfile.TemporaryDirectory(prefix="bench-orthanc-") as folder:
        server = Orthanc(Path(folder), transcode_to)
        try:
            yield server
        finally:
            server.stop()


def _settings(folder: Path, port: int, transcode_to: str) -> dict[str, object]:
    settings: dict[str, object] = {
        "Name": "bench",
        "StorageDirectory": f"{folder}/storage",
        "IndexDirectory": f"{folder}/index",
        "HttpPort": port,
        "DicomPort": free_port(),
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(plugin) for plugin in (GDCM, DICOMWEB) if plugin.exists()],
        "Gdcm": {"Throttling": THREADS},
        "HttpCompressionEnabled": False,  # on loopback its fastest: gzip of a frame takes it 35 ms
        "TcpNoDelay": True,
        "KeepAlive": True,
        "HttpThreadsCount": 50,
        "LimitFindResults": 0,
        "ConcurrentJobs": os.cpu_count(),
    }
    return settings | ({"IngestTranscoding": transcode_to} if transcode_to else {})
