"""The lake's secret, in Secrets Manager."""

from typing import Any

from dicomlake.adapters.aws_errors import aws_errors
from dicomlake.domain.ids import LakeSecret


class SecretsManagerSecretSource:
    """Fetches the lake's secret once and keeps it for the life of the process."""

    def __init__(self, client: Any, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id
        self._secret: LakeSecret | None = None

    def lake_secret(self) -> LakeSecret:
        """Return the secret: the bytes of its binary, or of its text, of at least 32."""
        if self._secret is None:
            with aws_errors():
                answer = self._client.get_secret_value(SecretId=self._secret_id)
            self._secret = LakeSecret(answer.get("SecretBinary") or answer["SecretString"].encode())
        return self._secret
