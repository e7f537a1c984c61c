"""UIDs that are never mapped: they name kinds and vocabularies, not instances."""

KEPT_UIDS = frozenset(
    {
        0x00080016,  # SOP Class
        0x0008001A,  # Related General SOP Class
        0x0008001B,  # Original Specialized SOP Class
        0x00080062,  # SOP Classes in Study
        0x0008010C,  # Coding Scheme
        0x0008010D,  # Context Group Extension Creator
        0x00080117,  # Context
        0x00080118,  # Mapping Resource
        0x00081150,  # Referenced SOP Class
        0x0008115A,  # SOP Classes Supported
        0x0008040E,  # Stored Instance Transfer Syntax
        0x00083002,  # Available Transfer Syntax
        0x00089123,  # Creator Version
        0x00340003,  # Flow Transfer Syntax
        0x04000010,  # MAC Calculation Transfer Syntax
        0x04000510,  # Encrypted Content Transfer Syntax
        0x30100052,  # Pertinent SOP Classes in Study
        0x30100053,  # Pertinent SOP Classes in Series
    }
)
"""UIDs that name kinds and vocabularies, not instances; every other one that the table leaves out is mapped, or
references would break and the original would stay."""
