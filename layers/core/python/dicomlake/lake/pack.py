"""The pack format's front door: what writes a pack, what reads one, and what a look-up needs without either."""

from dicomlake.lake.copying import PackSource, copy_instance, copy_instances
from dicomlake.lake.footer import Footer, PackedInstance
from dicomlake.lake.frames import frame_record_range, frame_table_range, parse_frame_record, parse_frame_table
from dicomlake.lake.layout import TAIL_SIZE, VERSION, ReadRange, Span
from dicomlake.lake.reader import PackReader
from dicomlake.lake.splices import landed_parts
from dicomlake.lake.writer import UNPLACED, PackSummary, PackWriter, Sink

__all__ = [
    "TAIL_SIZE",
    "UNPLACED",
    "VERSION",
    "Footer",
    "PackReader",
    "PackSource",
    "PackSummary",
    "PackWriter",
    "PackedInstance",
    "ReadRange",
    "Sink",
    "Span",
    "copy_instance",
    "copy_instances",
    "frame_record_range",
    "frame_table_range",
    "landed_parts",
    "parse_frame_record",
    "parse_frame_table",
]
