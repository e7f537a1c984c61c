"""Let a sender put objects into the landing bucket by signed URL, and say how many instances a study will have."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
_CRC32C = re.compile(r"[0-9a-f]{8}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_KEY = re.compile(r"sources/[a-z0-9][a-z0-9-]{0,62}/[0-9a-f]{32}/[0-9]{1,4}\Z")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class UploadFile:
    """One file a sender announces: its size in bytes and, if known, its SHA-256 or CRC-32C in hex.

    A file in parts takes a CRC-32C: that of the whole follows from those of the parts.
    """

    size: int
    sha256: str = ""
    crc32c: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.size <= MAX_SIZE:
            raise InvalidRequestError("a file's size is from 1 byte to 5 TiB")
        if self.sha256 and not _SHA256.match(self.sha256):
            raise InvalidRequestError("a SHA-256 is 64 lower-case hex digits")
        if self.crc32c and not _CRC32C.match(self.crc32c):
            raise InvalidRequestError("a CRC-32C is 8 lower-case hex digits")
        if self.sha256 and (self.crc32c or self.part_size):
            raise InvalidRequestError("give one checksum: a crc32c where the file goes up in parts (over 64 MiB)")

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
    """Fact: where one file goes and by which requests; `upload` is the id of an upload in parts, "" where whole.

    `numbers` are those of the requests' parts; `sent` are the ETags of the parts that are there already.
    """

    key: str
    requests: tuple[SignedRequest, ...]
    part_size: int = 0
    upload: str = ""
    numbers: tuple[int, ...] = ()
    sent: Mapping[int, str] = field(default_factory=dict)


def sign_uploads(
    files: Sequence[UploadFile], source: str, signer: UploadSigner, ids: IdSource, seconds: int = EXPIRES
) -> tuple[SignedUpload, ...]:
    """Return where each file goes, in order. Keys hold the source and random ids: nothing the sender called a file."""
    if not _SOURCE.match(source):
        raise InvalidRequestError("a source is named by up to 63 lower-case letters, digits and hyphens")
    if not 0 < len(files) <= MAX_FILES:
        raise InvalidRequestError(f"one request announces 1 to {MAX_FILES} files")
    check_count(files)
    batch = ids.new()
    return tuple(
        _sign(file, f"sources/{source}/{batch}/{number}", signer, seconds) for number, file in enumerate(files)
    )


def check_count(files: Sequence[UploadFile]) -> None:
    """Raise TooLargeError where files need more signed requests than one answer holds."""
    if sum(file.part_count for file in files) > MAX_URLS:
        raise TooLargeError(f"the files need over {MAX_URLS} requests: announce fewer at once")


def _sign(file: UploadFile, key: str, signer: UploadSigner, seconds: int) -> SignedUpload:
    if not file.part_size:
        return SignedUpload(key, (signer.sign_whole(key, seconds, file.sha256, file.crc32c),))
    upload = signer.begin_parts(key, bool(file.crc32c))
    return _sign_parts(file, key, upload, {}, signer, seconds)


def _sign_parts(
    file: UploadFile, key: str, upload: str, sent: Mapping[int, str], signer: UploadSigner, seconds: int
) -> SignedUpload:
    numbers = tuple(number for number in range(1, file.part_count + 1) if number not in sent)
    requests = tuple(signer.sign_part(key, upload, number, seconds) for number in numbers)
    return SignedUpload(key, requests, file.part_size, upload, numbers, sent)


def resume_upload(
    file: UploadFile, key: str, upload: str, signer: UploadSigner, seconds: int = EXPIRES
) -> SignedUpload:
    """Sign again what of a file is not there yet, after a break or when its URLs ran out.

    Raises InvalidRequestError for what POST /uploads did not give, NotFoundError where the upload is complete or gone.
    """
    if not _KEY.match(key) or bool(upload) != bool(file.part_size):
        raise InvalidRequestError("give the key, size and upload id as POST /uploads gave and took them")
    if not upload:
        return SignedUpload(key, (signer.sign_whole(key, seconds, file.sha256, file.crc32c),))
    return _sign_parts(file, key, upload, signer.sent_parts(key, upload), signer, seconds)


def complete_upload(key: str, upload: str, etags: Sequence[str], signer: UploadSigner, crc32c: str = "") -> None:
    """Make an object of the parts that were sent; it lands at that moment, if it has the CRC-32C that is given."""
    if not _KEY.match(key) or not upload or not etags:
        raise InvalidRequestError("give the key and upload id as POST /uploads gave them, and every part's ETag")
    if crc32c and not _CRC32C.match(crc32c):
        raise InvalidRequestError("a CRC-32C is 8 lower-case hex digits")
    signer.complete_parts(key, upload, etags, crc32c)


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
