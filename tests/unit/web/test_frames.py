"""WADO-RS frames: every row of what can be asked, and that what comes is what landed."""

import io

import numpy as np
import pydicom
import pytest
from imagecodecs import htj2k_decode, jpeg2k_decode, jpegls_decode, jpegsof3_decode
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import TransferSyntaxUid
from dicomlake.web import large
from dicomlake.web.accept import MEDIA_TYPES, SENT_AS
from dicomlake.web.choose import DEFAULT_SYNTAXES, choose_frames
from tests.unit.web.events import body_of, get
from tests.unit.web.multiparts import content, parsed, parts_of
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import changed, ct_slice

PIXELS = np.random.default_rng(5).integers(0, 4096, (3, 24, 24), dtype="<u2")
CINE = changed(ct_slice(number=4), NumberOfFrames=3, PixelData=PIXELS.tobytes())
SERIES = f"{ROOT}/studies/{UIDS}.1/series/{UIDS}.1.1"
FRAMES = f"{SERIES}/instances/{UIDS}.1.1.4/frames"
SYNTAX = "1.2.840.10008.1.2"
OCTETS = 'multipart/related; type="application/octet-stream"'


@pytest.fixture(scope="module")
def lake() -> PixelLake:
    lake = PixelLake()
    lake.store_files(CINE)
    return lake


# --- what is chosen ------------------------------------------------------------------------------------------------


def related(kind: str, *parameters: str) -> str:
    return "; ".join((f'multipart/related; type="{kind}"', *parameters))


@pytest.mark.parametrize(
    ("accept", "stored", "media", "sent"),
    [
        (OCTETS, ".4.202", "application/octet-stream", ".1"),
        (f"{OCTETS}; transfer-syntax=*", ".4.202", "image/jphc", ".4.202"),
        (f'{OCTETS}; transfer-syntax="*"', ".4.202", "image/jphc", ".4.202"),
        (f"{OCTETS}; transfer-syntax={SYNTAX}.1", ".4.202", "application/octet-stream", ".1"),
        (f"{OCTETS}; transfer-syntax={SYNTAX}.4.202", ".4.202", "image/jphc", ".4.202"),
        (related("*/*"), ".4.202", "image/jphc", ".4.202"),
        ("*/*", ".4.202", "image/jphc", ".4.202"),
        (related("image/*"), ".4.202", "image/jphc", ".4.202"),
        (related("image/jphc"), ".4.202", "image/jphc", ".4.202"),
        (related("image/jphc", f"transfer-syntax={SYNTAX}.4.201"), ".4.202", "image/jphc", ".4.201"),
        (related("image/jp2"), ".4.202", "image/jp2", ".4.90"),
        (related("image/jls"), ".4.202", "image/jls", ".4.80"),
        (related("image/jpeg"), ".4.202", "image/jpeg", ".4.70"),
        (related("image/dicom-rle"), ".4.202", "image/dicom-rle", ".5"),
        (related("image/jpeg", f"transfer-syntax={SYNTAX}.4.57"), ".4.202", "image/jpeg", ".4.57"),
        (related("image/jpeg"), ".4.50", "image/jpeg", ".4.50"),
        (related("image/jp2"), ".4.91", "image/jp2", ".4.91"),
        (OCTETS, ".4.91", "application/octet-stream", ".1"),
        (OCTETS, ".2", "application/octet-stream", ".1"),
        (related("*/*"), "", "application/octet-stream", ".1"),
        (f"{related('image/jp2')};q=0.3, {OCTETS};q=0.8", ".4.202", "application/octet-stream", ".1"),
        (f"{related('image/jp2')}, {OCTETS}, {related('image/jphc')}", ".4.202", "image/jphc", ".4.202"),
        (f"text/html, {OCTETS};q=0.1", ".4.202", "application/octet-stream", ".1"),
    ],
)
def test_every_way_to_ask_is_answered(accept: str, stored: str, media: str, sent: str) -> None:
    chosen = choose_frames(accept, TransferSyntaxUid(SYNTAX + stored), 2)

    assert (chosen.media_type, chosen.transfer_syntax, chosen.multipart) == (media, SYNTAX + sent, True)


@pytest.mark.parametrize(
    ("accept", "stored"),
    [
        (related("image/jpeg", f"transfer-syntax={SYNTAX}.4.50"), ".4.202"),
        (related("image/jp2", f"transfer-syntax={SYNTAX}.4.91"), ".4.202"),
        (related("image/jls", f"transfer-syntax={SYNTAX}.4.90"), ".4.202"),
        (related("image/jp2"), ".4.50"),
        (related("image/png"), ".4.202"),
        (related("image/jp2"), ".1"),
        (OCTETS, ".4.110"),
        (f"{OCTETS}; transfer-syntax={SYNTAX}.2", ".2"),
        ("image/jphc", ".4.202"),
        ("text/html", ".4.202"),
        (f"{related('*/*')};q=0", ".4.202"),
    ],
)
def test_what_cannot_be_had_is_told_with_what_can(accept: str, stored: str) -> None:
    with pytest.raises(NotAcceptableError, match=r"multipart/related; type=.*transfer-syntax="):
        choose_frames(accept, TransferSyntaxUid(SYNTAX + stored), 2)


@pytest.mark.parametrize("syntax", sorted(set(MEDIA_TYPES) - set(SENT_AS)))
def test_every_stored_syntax_is_sent_by_its_media_type_and_as_octets_with_a_star(syntax: str) -> None:
    stored = TransferSyntaxUid(syntax)

    own = choose_frames(related(MEDIA_TYPES[syntax], f"transfer-syntax={syntax}"), stored, 2)
    star = choose_frames(f"{OCTETS}; transfer-syntax=*", stored, 2)

    assert own == star
    assert own.content_type == f"{MEDIA_TYPES[syntax]}; transfer-syntax={syntax}"


def test_a_media_types_own_transfer_syntax_is_of_that_media_type() -> None:
    assert {kind: MEDIA_TYPES[uid] for kind, uid in DEFAULT_SYNTAXES.items()} == {
        kind: kind for kind in DEFAULT_SYNTAXES
    }


# --- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "decode"),
    [
        ("application/octet-stream", lambda data: np.frombuffer(data, "<u2").reshape(24, 24)),
        ("image/jphc", htj2k_decode),
        ("image/jp2", jpeg2k_decode),
        ("image/jls", jpegls_decode),
        ("image/jpeg", jpegsof3_decode),
    ],
)
def test_frames_come_in_the_order_asked_and_are_those_that_landed(lake: PixelLake, kind: str, decode: object) -> None:
    parts = parts_of(get(lake.services(), f"{FRAMES}/3,1", related(kind)))

    assert [part.get_content_type() for part in parts] == [kind, kind]
    assert [part["Content-Location"] for part in parts] == [f"https://lake.example.org{FRAMES}/{n}" for n in (3, 1)]
    assert [int(part["Content-Length"]) for part in parts] == [len(content(part)) for part in parts]
    for part, number in zip(parts, (3, 1), strict=True):
        assert np.array_equal(decode(content(part)), PIXELS[number - 1])


@pytest.mark.parametrize("frames", ["1,2", "1%2C2"])
def test_commas_may_be_percent_encoded(lake: PixelLake, frames: str) -> None:
    assert len(parts_of(get(lake.services(), f"{FRAMES}/{frames}"))) == 2


def test_one_frame_comes_alone_when_asked_so_also_in_ranges(lake: PixelLake) -> None:
    whole = get(lake.services(), f"{FRAMES}/2", "application/octet-stream")
    part = get(lake.services(), f"{FRAMES}/2", "application/octet-stream", range="bytes=2-5")

    assert body_of(whole) == PIXELS[1].tobytes()
    assert whole["headers"]["content-type"] == f"application/octet-stream; transfer-syntax={SYNTAX}.1"
    assert (part["statusCode"], part["headers"]["content-range"]) == (206, "bytes 2-5/1152")
    assert body_of(part) == PIXELS[1].tobytes()[2:6]


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("bytes=0-0", 206, 1),
        ("bytes=-4", 206, 4),
        ("bytes=1150-", 206, 2),
        ("bytes=1000-9999", 206, 152),
        ("bytes=1152-", 416, 0),
        ("bytes=-0", 416, 0),
        ("bytes=0-1,4-5", 200, 1152),
        ("lines=0-1", 200, 1152),
        ("bytes=-", 200, 1152),
        ("bytes=5-2", 416, 0),
    ],
)
def test_a_range_is_sent_as_http_says(lake: PixelLake, asked: str, status: int, length: int) -> None:
    response = get(lake.services(), f"{FRAMES}/1", "application/octet-stream", range=asked)

    assert (response["statusCode"], len(body_of(response))) == (status, length)


@pytest.mark.parametrize(
    ("frames", "accept", "status"),
    [
        ("0", "", 404),
        ("4", "", 404),
        ("1,1", "", 400),
        ("1;2", "", 400),
        ("a", "", 400),
        ("1,", "", 400),
        ("1", "text/plain", 406),
        ("1,2", "application/octet-stream", 406),
        ("1", related("image/jpeg", f"transfer-syntax={SYNTAX}.4.50"), 406),
    ],
)
def test_what_cannot_be_sent_has_its_status(lake: PixelLake, frames: str, accept: str, status: int) -> None:
    assert get(lake.services(), f"{FRAMES}/{frames}", accept)["statusCode"] == status


def test_frames_over_the_limit_of_an_answer_are_read_where_it_says(
    lake: PixelLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parts_of(get(lake.services(), f"{FRAMES}/1,2", OCTETS))
    monkeypatch.setattr(large, "MAX_BODY", 1500)

    response = get(lake.services(), f"{FRAMES}/1,2", OCTETS)

    assert response["statusCode"] == 303
    kept = lake.store.objects._buckets.find("lake", response["headers"]["location"][14:].partition("?")[0])
    assert [content(part) for part in parsed(kept.content_type, kept.body)] == [content(part) for part in whole]


# --- native frames that were kept ----------------------------------------------------------------------------------


def wide(syntax: str) -> tuple[bytes, np.ndarray]:
    """An image of 32 bits a pixel, which is kept native, in a transfer syntax."""
    pixels = np.arange(36, dtype="<u4").reshape(6, 6) * 0x01020304
    data = pydicom.dcmread(io.BytesIO(ct_slice(number=5)))
    data.Rows = data.Columns = 6
    data.BitsAllocated, data.BitsStored, data.HighBit = 32, 32, 31
    big = syntax == ExplicitVRBigEndian
    data.PixelData = pixels.astype(">u4" if big else "<u4").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=not big)
    return out.getvalue(), pixels


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("accept", [OCTETS, related("*/*"), f"{OCTETS}; transfer-syntax=*"])
def test_kept_native_frames_are_always_explicit_little_endian(syntax: str, accept: str) -> None:
    file, pixels = wide(syntax)
    lake = PixelLake()
    lake.store_files(file)

    (part,) = parts_of(get(lake.services(), f"{SERIES}/instances/{UIDS}.1.1.5/frames/1", accept))

    assert part.get_param("transfer-syntax") == f"{SYNTAX}.1"
    assert content(part) == pixels.tobytes()


def test_frames_of_one_bit_a_pixel_are_cut_out_of_their_run() -> None:
    masks = np.random.default_rng(6).integers(0, 2, (4, 5, 7), dtype="u1")
    packed = np.packbits(masks.ravel(), bitorder="little").tobytes()
    bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "Rows": 5, "Columns": 7, "NumberOfFrames": 4}
    lake = PixelLake()
    lake.store_files(changed(ct_slice(number=6), PixelData=packed, **bits))

    parts = parts_of(get(lake.services(), f"{SERIES}/instances/{UIDS}.1.1.6/frames/4,2", OCTETS))

    for part, number in zip(parts, (4, 2), strict=True):
        found = np.unpackbits(np.frombuffer(content(part), "u1"), bitorder="little")
        assert np.array_equal(found[:35].reshape(5, 7), masks[number - 1])
        assert not found[35:].any()
    assert get(lake.services(), f"{SERIES}/instances/{UIDS}.1.1.6/frames/5")["statusCode"] == 404
