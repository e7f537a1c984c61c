"""Count which texts burned into pixels are found and filled over, and which innocent ones stay.

    python benchmarks/bench_pixel_text.py [--frames 10] [--seed 5] [--save]

Frames are drawn: 640 x 480 with black margins as of ultrasound, 1024 x 1024 noise as of a radiograph, a quarter of them
with dark text. Each has four identifiers and one technical text, 11 to 26 pixels high. Found: at least 80 % of the
text's box is filled over. Stayed: less than 20 %, where only what identifies is asked for. Needs rapidocr.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dicomlake.adapters.rapid_ocr import RapidTextReader
from dicomlake.dicom.deidentify.identifiers import Kind, terms_of
from dicomlake.dicom.deidentify.pixel_text import Film, find_text
from dicomlake.dicom.deidentify.policy import TextInPixels
from dicomlake.dicom.deidentify.search import Search

IDENTIFIERS = (
    "Okonkwo, Theodora",
    "Brzezicki Wilhelmina",
    "KH-4711234",
    "14.07.1958",
    "1958-07-14",
    "Tel 030-1234-5678",
)
TECHNICAL = ("MI 1.2", "TIs 0.4", "120 kV", "5 cm", "FR 32 Hz")
KNOWN = Search(
    terms_of(
        [
            (Kind.NAME, "Okonkwo^Theodora"),
            (Kind.NAME, "Brzezicki^Wilhelmina"),
            (Kind.ID, "KH-4711234"),
            (Kind.DATE, "19580714"),
        ]
    ),
    lambda uid: uid,
)

type Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Drawn:
    """A text in a frame, the box that it takes, and whether it identifies."""

    text: str
    box: tuple[int, int, int, int]
    identifies: bool


def draw(number: int, rng: random.Random) -> tuple[Pixels, list[Drawn]]:
    """Return a frame with texts in it."""
    ultrasound = number % 2 == 0
    rows, columns = (480, 640) if ultrasound else (1024, 1024)
    noise = np.random.default_rng(number).normal(60 if ultrasound else 110, 18 if ultrasound else 25, (rows, columns))
    base = noise.clip(0, 200).astype(np.uint8)
    if ultrasound:
        base[:90], base[400:] = 0, 0
    picture = Image.fromarray(base)
    pen = ImageDraw.Draw(picture)
    ink = 0 if number % 4 == 1 else 255
    drawn = []
    for line in range(5):
        text, size = rng.choice(IDENTIFIERS if line < 4 else TECHNICAL), rng.randint(11, 26)
        place = rng.randint(5, columns // 2), (10 + line * 28 if line < 3 else rows - 70 + (line - 3) * 32)
        pen.text(place, text, fill=ink, font_size=size)
        left, top, right, bottom = (int(side) for side in pen.textbbox(place, text, font_size=size))
        drawn.append(Drawn(text, (left, top, right, bottom), line < 4))
    return np.array(picture), drawn


def count(frame: Pixels, drawn: list[Drawn], mode: TextInPixels, reader: RapidTextReader) -> Iterator[str]:
    """Yield what became of each text of a frame."""

    def again() -> Iterator[Pixels]:
        return iter((frame,))

    wiped = find_text(Film(again, "MONOCHROME2", {}), reader, mode, KNOWN)
    filled = np.zeros(frame.shape, bool)
    for box in wiped.boxes:
        filled[box.top : box.bottom, box.left : box.right] = True
    for one in drawn:
        left, top, right, bottom = one.box
        part = float(filled[top:bottom, left:right].mean())
        if one.identifies or mode is TextInPixels.ALL:
            yield "found" if part >= 0.8 else "missed"
        else:
            yield "stayed" if part < 0.2 else "lost"


def main() -> None:
    """Print the counts as JSON, and keep them if told to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/pixel_text.json")
    options = parser.parse_args()
    rng, reader = random.Random(options.seed), RapidTextReader()  # noqa: S311
    counts: dict[str, Counter[str]] = {}
    start = time.perf_counter()
    for number in range(options.frames):
        frame, drawn = draw(number, rng)
        for mode in (TextInPixels.ALL, TextInPixels.SENSITIVE):
            counts.setdefault(str(mode), Counter()).update(count(frame, drawn, mode, reader))
    looks = 2 * options.frames
    result = {"frames": options.frames, "seed": options.seed} | {mode: dict(found) for mode, found in counts.items()}
    result |= {"seconds_a_frame": round((time.perf_counter() - start) / looks, 2)}
    text = json.dumps(result, indent=1)
    sys.stdout.write(text + "\n")
    if options.save:
        Path(__file__).with_name("results").joinpath("pixel_text.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
