"""The one error of the local run: a sentence that says what is wrong and what to do."""

from dicomlake.domain.errors import PipelineError


class LocalRunError(PipelineError):
    """The local lake cannot start or go on; the text says what to do about it."""
