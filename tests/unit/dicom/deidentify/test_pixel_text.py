"""Text burned into pixels goes, whatever the pixels are; the rest of them stays."""

from collections.abc import Iterator

import numpy as np
import pytest

from dicomlake.dicom.deidentify.identifiers import Kind, terms_of
from dicomlake.dicom.deidentify.picture_views import Picture, Samples, extremes, may_hold_text, views
from dicomlake.dicom.deidentify.pixel_text import Film, fill, find_text, is_wanted
from dicomlake.dicom.deidentify.policy import TextInPixels
from dicomlake.dicom.deidentify.search import Search
from dicomlake.domain.errors import RefusedError
from dicomlake.domain.picture_text import Line

ERIKA = Search(terms_of([(Kind.NAME, "Mustermann^Erika"), (Kind.ID, "KH-1234567")]), lambda uid: "2.25.1")


STROKE = 10


class BrightReader:
    """Reads a line wherever a row of the picture is all white for ten pixels; what it says is given."""

    def __init__(self, text: str = "", blind: bool = False) -> None:
        self.text, self.blind, self.calls = text, blind, 0

    def read(self, picture: Picture, places: bool = False) -> tuple[Line, ...]:
        self.calls += 1
        grey = picture if picture.ndim == 2 else picture.min(axis=2)
        if self.blind:
            return (Line(10 * self.calls, 10, 10 * self.calls + 9, 20, "x"),)
        strokes = np.lib.stride_tricks.sliding_window_view(grey >= 250, STROKE, axis=1).all(axis=-1)
        rows, columns = np.nonzero(strokes)
        if not len(rows):
            return ()
        right = int(columns.max()) + STROKE
        return (Line(int(columns.min()), int(rows.min()), right, int(rows.max()) + 1, "" if places else self.text),)


def frame(written: bool, dtype: str = "u1", samples: int = 1) -> Samples:
    made = np.full((64, 64), 40, dtype) + (np.indices((64, 64)).sum(axis=0) % 7).astype(dtype)
    if written:
        made[20:24, 10:40] = 255
    return np.stack([made] * samples, axis=-1) if samples > 1 else made


def film(*frames: Samples, photometric: str = "MONOCHROME2") -> Film:
    def again() -> Iterator[Samples]:
        return iter(frames)

    return Film(again, photometric, {})


@pytest.mark.parametrize(("dtype", "samples"), [("u1", 1), ("<u2", 1), ("<i2", 1), ("u1", 3)])
def test_text_is_filled_over_and_nothing_else_changes(dtype: str, samples: int) -> None:
    image = frame(True, dtype, samples)

    wiped = find_text(film(image, photometric="RGB"), BrightReader(), TextInPixels.ALL, ERIKA)

    clean = fill(image, wiped.boxes)
    assert wiped.rounds == 1
    assert int(clean.max()) < 60
    outside = np.ones(image.shape[:2], bool)
    for box in wiped.boxes:
        outside[box.top : box.bottom, box.left : box.right] = False
    assert np.array_equal(clean[outside], image[outside])
    assert outside.mean() > 0.9


def test_text_in_one_frame_of_a_film_goes_from_all() -> None:
    frames = [frame(False), frame(False), frame(True)]

    wiped = find_text(film(*frames), BrightReader(), TextInPixels.ALL, ERIKA)

    assert [int(fill(one, wiped.boxes).max()) < 60 for one in frames] == [True, True, True]
    assert len(extremes(iter(frames))) == 2


def test_dark_text_on_bright_is_found_in_the_inverted_view() -> None:
    image = (255 - frame(True)).astype("u1")

    assert BrightReader().read(views(image, "MONOCHROME1", {})[1])


def test_what_is_read_again_and_again_is_refused() -> None:
    with pytest.raises(RefusedError, match="still read"):
        find_text(film(np.zeros((64, 1024), "u1")), BrightReader(blind=True), TextInPixels.ALL, ERIKA)


@pytest.mark.parametrize(
    "text", ["MUSTERMANN, ERIKA", "KH-1234567", "Musterrnann", "12.03.1958", "Tel 030-1234-5678", "a@b.org"]
)
def test_sensitive_text_goes(text: str) -> None:
    assert is_wanted(text, TextInPixels.SENSITIVE, ERIKA)


@pytest.mark.parametrize("text", ["MI 1.2", "TIs 0.4", "R", "L", "5 cm", "120 kV", "AO 5.1 dB", "FR 32 Hz", "SUPINE"])
def test_what_measures_stays(text: str) -> None:
    assert not is_wanted(text, TextInPixels.SENSITIVE, ERIKA)
    assert is_wanted(text, TextInPixels.ALL, ERIKA)


def test_a_place_that_could_not_be_read_goes() -> None:
    assert is_wanted("", TextInPixels.SENSITIVE, ERIKA)


def test_something_drawn_has_one_brightest_value_and_noise_has_not() -> None:
    noise = np.random.default_rng(1).normal(1000, 200, (256, 256)).astype("<i2")
    drawn = noise.copy()
    drawn[10:20, 10:60:2] = 4095

    assert not may_hold_text(noise)
    assert may_hold_text(drawn)


@pytest.mark.parametrize(("text", "boxes"), [("", 0), ("l1", 0), ("Mustermann", 1)])
def test_in_a_picture_of_a_body_only_what_reads_as_text_is_filled(text: str, boxes: int) -> None:
    image = frame(True)
    doubtful = Film(lambda: iter((image,)), "MONOCHROME2", {}, doubtful=True)

    wiped = find_text(doubtful, BrightReader(text), TextInPixels.ALL, ERIKA)

    assert len(wiped.boxes) >= boxes
    assert (int(fill(image, wiped.boxes).max()) == 255) is (boxes == 0)
