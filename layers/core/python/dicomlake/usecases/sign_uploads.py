"""Let a sender put objects into the landing bucket by signed URL, and say how many instances a study will have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dicomlake.domain.errors import InvalidRequestError, LostRaceError, TooLargeError
from dicomlake.domain.model import StudyUid
from dicomlake.domain.study import Study
from dicomlake.ports import Fold, IdSource, SignedRequest, StudyIndex, UploadSigner

MIB = 1024 * 1024
WHOLE_LIMIT = 64 * MIB
"""Files over this go up in parts, so that a broken connection costs one part."""

MAX_FILES = 1000
MAX_URLS = 2000
MAX_SIZE = 5 * 1024 * 1024 * MIB
"""The largest object S3 takes, 5 TiB."""

EXPIRES = 3600
TRIES = 5
_PARTS_A_FILE = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_KEY = re.compile(r"sources/[a-z0-9][a-z0-9-]{0,62}/[0-9a-f]{32}/[0-9]{1,4}\Z")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class UploadFile:
    """One file a sender announces: its size in bytes and, if known, its SHA-256 in hex."""

    size: int
    sha256: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.size <= MAX_SIZE:
            raise InvalidRequestError("a file's size is from 1 byte to 5 TiB")
        if self.sha256 and not _SHA256.match(self.sha256):
            raise InvalidRequestError("a SHA-256 is 64 lower-case hex digits")

    @property
    def part_size(self) -> int:
        """Bytes of each part but the last; 0 where the file goes up whole."""
        if self.size <= WHOLE_LIMIT:
            return 0
        return max(WHOLE_LIMIT, -(-self.size // _PARTS_A_FILE))

    @property
    def part_count(self) -> int:
        """How many requests send the file."""
        return -(-self.size // self.part_size) if self.part_size else 1


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """Fact: where one file goes and by which requests; `upload` is the id of an upload in parts, "" where whole."""

    key: str
    requests: tuple[SignedRequest, ...]
    part_size: int = 0
    upload: str = ""


def sign_uploads(
    files: Sequence[UploadFile], source: str, signer: UploadSigner, ids: IdSource, seconds: int = EXPIRES
) -> tuple[SignedUpload, ...]:
    """Return where each file goes, in order. Keys hold the source and random ids: nothing the sender called a file."""
    if not _SOURCE.match(source):
        raise InvalidRequestError("a source is named by up to 63 lower-case letters, digits and hyphens")
    if not 0 < len(files) <= MAX_FILES:
        raise InvalidRequestError(f"one request announces 1 to {MAX_FILES} files")
    if sum(file.part_count for file in files) > MAX_URLS:
        raise TooLargeError(f"the files need over {MAX_URLS} requests: announce fewer at once")
    batch = ids.new()
    return tuple(
        _sign(file, f"sources/{source}/{batch}/{number}", signer, seconds) for number, file in enumerate(files)
    )


def _sign(file: UploadFile, key: str, signer: UploadSigner, seconds: int) -> SignedUpload:
    if not file.part_size:
        return SignedUpload(key, (signer.sign_whole(key, seconds, file.sha256),))
    upload = signer.begin_parts(key)
    parts = range(1, file.part_count + 1)
    requests = tuple(signer.sign_part(key, upload, number, seconds) for number in parts)
    return SignedUpload(key, requests, file.part_size, upload)


def complete_upload(key: str, upload: str, etags: Sequence[str], signer: UploadSigner) -> None:
    """Make an object of the parts that were sent; it lands at that moment."""
    if not _KEY.match(key) or not upload or not etags:
        raise InvalidRequestError("give the key and upload id as POST /uploads gave them, and every part's ETag")
    signer.complete_parts(key, upload, etags)


def declare_study(study_uid: StudyUid, expected: int, studies: StudyIndex) -> None:
    """Write how many instances a study will have in all, whether or not any of them is here yet."""
    if not 0 < expected <= 1_000_000:
        raise InvalidRequestError("a study's expected count is from 1 to 1,000,000")
    for _ in range(TRIES):
        study = studies.study(study_uid)
        before = study or Study(study_uid)
        after = replace(before, declared=expected, version=before.version + 1)
        try:
            studies.fold(Fold(after, expected_version=before.version))
        except LostRaceError:
            continue
        return
    raise LostRaceError("declaring a study lost its race every time")
