"""Text in a picture: what was read where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: the box that holds it, in pixels, right and bottom outside of it, and what it says."""

    left: int
    top: int
    right: int
    bottom: int
    text: str = ""

    def grown(self, margin: int, columns: int, rows: int) -> "Line":
        """Return the line with a margin around it, inside a picture of so many columns and rows."""
        return Line(
            max(0, self.left - margin),
            max(0, self.top - margin),
            min(columns, self.right + margin),
            min(rows, self.bottom + margin),
            self.text,
        )
