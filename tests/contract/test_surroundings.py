"""Time, names and the secret."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dicomlake.adapters.clock import RandomIdSource, SystemClock
from dicomlake.adapters.memory import MemoryClock, MemoryIdSource, MemorySecretSource
from dicomlake.adapters.secrets import SecretsManagerSecretSource
from dicomlake.domain.errors import NotFoundError
from dicomlake.ports import Clock, IdSource
from tests.contract.conftest import Aws

SECRET = "0123456789abcdef" * 4


@pytest.mark.parametrize("clock", [SystemClock(), MemoryClock()])
def test_a_clock_tells_aware_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now() <= clock.now()


def test_the_memory_clock_stands_until_it_is_moved() -> None:
    clock = MemoryClock(datetime(2026, 3, 1, tzinfo=UTC))

    clock.advance(1.5)

    assert clock.now() == datetime(2026, 3, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2026, 3, 1))


@pytest.mark.parametrize("ids", [RandomIdSource(), MemoryIdSource()])
def test_ids_are_32_hex_digits_and_never_repeat(ids: IdSource) -> None:
    made = [ids.new() for _ in range(200)]

    assert len(set(made)) == 200
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in made)


def test_memory_ids_are_the_same_for_the_same_seed() -> None:
    assert MemoryIdSource(1).new() == MemoryIdSource(1).new() != MemoryIdSource(2).new()


@pytest.mark.parametrize("kind", ["SecretString", "SecretBinary"])
def test_the_secret_is_fetched_once(cloud: Aws, unique: Callable[[str], str], kind: str) -> None:
    client, name = cloud.client("secretsmanager"), unique("lake")
    client.create_secret(Name=name, **{kind: SECRET if kind == "SecretString" else SECRET.encode()})
    source = SecretsManagerSecretSource(cloud.ours("secretsmanager"), name)

    first = source.lake_secret()
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    assert first.value == SECRET.encode()
    assert source.lake_secret() is first


def test_a_secret_that_is_not_there_is_not_found(cloud: Aws) -> None:
    with pytest.raises(NotFoundError):
        SecretsManagerSecretSource(cloud.ours("secretsmanager"), "absent").lake_secret()


def test_the_memory_secret_is_the_same_every_time() -> None:
    source = MemorySecretSource()

    assert source.lake_secret() == source.lake_secret()
