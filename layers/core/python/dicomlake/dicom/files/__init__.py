"""DICOM files out of what is stored: landed bytes, or Part 10 in the syntax asked for."""
