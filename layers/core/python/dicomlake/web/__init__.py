"""HTTP in and out: DICOMweb and the operations API over the use cases. Nothing here imports pydicom or numpy."""
