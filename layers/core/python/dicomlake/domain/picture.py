"""What can be asked of a picture (PS3.18 8.3.5): the part of the image that is shown, and in which size."""

from dataclasses import dataclass
from math import isfinite

LARGEST_SIDE = 8192
WINDOW_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True, slots=True)
class Window:
    """A VOI window in units of the Modality LUT's output; `function` is a VOI LUT Function (PS3.3 C.11.2.1.3)."""

    centre: float
    width: float
    function: str = "LINEAR"

    def __post_init__(self) -> None:
        if self.function not in WINDOW_FUNCTIONS:
            raise ValueError("a window's function is linear, linear-exact or sigmoid")
        enough = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        if not (enough and isfinite(self.centre) and isfinite(self.width)):
            raise ValueError("a window has a finite centre and a width above 0, of at least 1 where it is linear")


@dataclass(frozen=True, slots=True)
class Viewport:
    """A viewport of `width` x `height` pixels, and the region of the image that it shows, in the image's pixels.

    Regions without a size reach to the image's end; a negative size flips. Sides are 1 to 8192.
    """

    width: int
    height: int
    left: int = 0
    top: int = 0
    region_width: int | None = None
    region_height: int | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.width <= LARGEST_SIDE and 1 <= self.height <= LARGEST_SIDE):
            raise ValueError(f"a viewport's sides are 1 to {LARGEST_SIDE} pixels")
        if self.left < 0 or self.top < 0 or self.region_width == 0 or self.region_height == 0:
            raise ValueError("a viewport's region starts in the image and is not empty")

    def region(self, rows: int, columns: int) -> tuple[int, int, int, int]:
        """Return left, top, width and height of the region in an image of this size; sizes may be negative.

        Raises ValueError where the region lies outside the image.
        """
        width = columns - self.left if self.region_width is None else self.region_width
        height = rows - self.top if self.region_height is None else self.region_height
        if (
            self.left >= columns
            or self.top >= rows
            or self.left + abs(width) > columns
            or self.top + abs(height) > rows
        ):
            raise ValueError(f"the viewport's region lies outside the image of {columns} x {rows} pixels")
        return self.left, self.top, width, height

    def fitted(self, rows: int, columns: int) -> tuple[int, int]:
        """Return rows and columns of a picture of this size once it fits the viewport, its aspect kept."""
        scale = min(self.height / rows, self.width / columns)
        return max(1, round(rows * scale)), max(1, round(columns * scale))

    @property
    def is_whole(self) -> bool:
        """Whether the whole image is shown."""
        return (self.left, self.top, self.region_width, self.region_height) == (0, 0, None, None)
