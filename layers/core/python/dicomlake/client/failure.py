"""What a client can meet: the lake is not there, or it says no. The text says what to do."""

from dicomlake.domain.errors import PipelineError


class LakeClientError(PipelineError):
    """The lake cannot be reached, or refuses; the text is shown to the user as it is."""


class LakeRefusedError(LakeClientError):
    """The lake answered with an error; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
