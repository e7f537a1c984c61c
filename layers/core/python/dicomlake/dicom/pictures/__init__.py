"""Frames as pictures: LUTs, windows, colours, PNG and JPEG."""
