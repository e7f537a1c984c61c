"""HTJ2K that comes in: RPCL is stored as it came once it was decoded, the rest becomes RPCL or stays and is told."""

from typing import Any

import imagecodecs
import numpy as np
import pytest

from dicomlake.dicom.codecs.lossless import decode_openjpeg
from dicomlake.dicom.codecs.transcode import StoredFrame, store_instance
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.frames.syntaxes import HTJ2K_LOSSLESS_RPCL, Action, StoragePlan, plan_storage
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.model import Restorable
from tests.unit.dicom.frames_given import DELIMITER, KEY, ROOT, attributes, instance, item, noise

SIDE = 70


def encapsulated(stream: bytes, syntax: str, **changes: Any) -> ParsedInstance:
    """Return an instance of one compressed frame."""
    padded = bytes(stream) + b"\0" * (len(stream) % 2)
    value = item(b"") + item(padded) + DELIMITER
    return instance(value, attributes(rows=SIDE, columns=SIDE, **changes), ROOT + syntax)


def stored(parsed: ParsedInstance) -> tuple[StoragePlan, tuple[StoredFrame, ...]]:
    """Store an instance."""
    return store_instance(parsed.source, plan_storage(parsed), plan_frames(parsed), KEY)


def pixels(bits: int = 12, signed: bool = False, seed: int = 7) -> np.ndarray:
    """Return a frame of noise in 16 bits."""
    return noise(PixelLayout(SIDE, SIDE, 1, 16, bits, signed), seed)


def htj2k(frame: np.ndarray, **options: Any) -> bytes:
    """Return a code stream as some other encoder makes it."""
    given: dict[str, Any] = {
        "reversible": True,
        "bitspersample": 12,
        "resolutions": 1,
        "prog_order": "RPCL",
        "tlm": True,
    }
    return bytes(imagecodecs.htj2k_encode(frame, **(given | {"tilepart": "RESOLUTIONS"} | options)))


def test_htj2k_rpcl_is_stored_as_it_came_after_it_was_decoded() -> None:
    stream = htj2k(pixels())

    plan, (only,) = stored(encapsulated(stream, ".4.202"))

    assert (plan.action, plan.restorable, plan.warnings) == (Action.CHECK, Restorable.BYTES, ())
    assert bytes(only.code_stream) == stream
    assert [level.width for level in only.frame.levels] == [35, 70]
    assert (only.frame.minimum, only.frame.maximum) == (0, 4095)


def test_htj2k_without_tile_parts_has_one_level() -> None:
    plan, (only,) = stored(encapsulated(htj2k(pixels(), tlm=False, tilepart=None), ".4.202"))

    assert (plan.action, [level.width for level in only.frame.levels]) == (Action.CHECK, [SIDE])


def test_other_htj2k_becomes_rpcl_with_every_level() -> None:
    stream = htj2k(pixels(), prog_order="LRCP", tlm=False, tilepart=None)

    plan, (only,) = stored(encapsulated(stream, ".4.201"))

    assert (plan.action, plan.stored_syntax) == (Action.TRANSCODE, HTJ2K_LOSSLESS_RPCL)
    assert len(only.frame.levels) == 2
    assert np.array_equal(decode_openjpeg(only.code_stream), pixels())


@pytest.mark.parametrize("damage", ["cut", "irreversible", "sign"])
def test_htj2k_that_fails_its_check_is_kept_and_told(damage: str) -> None:
    whole = htj2k(pixels())
    stream = {
        "cut": whole[: len(whole) // 2],
        "irreversible": htj2k(pixels(), reversible=False),
        "sign": htj2k((pixels().astype(np.int32) - 2048).astype(np.int16)),
    }[damage]

    plan, (only,) = stored(encapsulated(stream, ".4.202"))

    assert plan.action is Action.KEEP
    assert [warned.code for warned in plan.warnings] in (["undecodable-frame"], ["sign-mismatch"])
    assert bytes(only.code_stream).startswith(stream[:-1])
