"""dicomlake: a serverless DICOM store; the shared code of every function, task and command."""

__version__ = "0.1.0"
