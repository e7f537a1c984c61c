"""The value representations (PS3.5 6.2) as tables: which are text, which are numbers, how long their lengths are."""

SHORT_LENGTH = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI"}
    | {"UL", "US"}
)
"""VRs with a 16-bit length field in explicit VR (PS3.5 7.1.2, table 7.1-2); all others have 32 bits."""

LONG_LENGTH = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])

KNOWN = SHORT_LENGTH | LONG_LENGTH

TEXT = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"])
"""VRs whose values are characters."""

ONE_VALUE = frozenset({"LT", "ST", "UT", "UR"})
"""Text VRs in which a backslash is a character like any other (PS3.5 6.4); in all others byte 5C parts values, also
where the character set shows it as a yen sign (PS3.5 6.1.2.3)."""

NUMBER_FORMATS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
"""The `struct` format of one value of a binary number VR."""

WORD_SIZES = {"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
"""VRs that JSON holds as InlineBinary, and the size of the words that byte order applies to."""

VALUE_SIZES = {"FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8, "AT": 2} | WORD_SIZES
"""The unit in which a big-endian value is swapped, where it is not 1."""

AMBIGUOUS = frozenset({"xs", "ox", "uw", "xw"})
"""The dictionary's names for VRs that depend on other attributes."""
