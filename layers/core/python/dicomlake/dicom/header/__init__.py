"""From an object's bytes to its head and its DICOM JSON: everything that reads elements."""
