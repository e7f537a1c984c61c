"""What every ObjectStore promises: one versioned bucket, ranges, writers that show nothing before they commit."""

from collections.abc import Callable

import pytest

from dicomlake.adapters.s3 import parts, store
from dicomlake.domain.errors import NotFoundError
from dicomlake.ports import ObjectInfo, ObjectStore
from tests.contract.conftest import OpenBucket

KEY = "packs/患者 a+b%20#1.dlp"


def test_what_is_put_is_read_back_writable(objects: ObjectStore) -> None:
    objects.put(KEY, b"abc")

    found = objects.get(KEY)
    found[0] = 0x41

    assert found == bytearray(b"Abc")
    assert objects.get(KEY) == b"abc"


@pytest.mark.parametrize("body", [b"", bytearray(b"x" * 70_000), memoryview(b"0123456789")[2:5]])
def test_bodies_of_every_kind_are_written_whole(objects: ObjectStore, body: bytes | bytearray | memoryview) -> None:
    objects.put(KEY, body, "application/dicom+json")

    assert objects.get(KEY) == bytes(body)
    assert objects.info(KEY).size == len(body)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 4, b"0123"), (3, 100, b"3456789"), (9, 1, b"9"), (10, 5, b""), (99, 1, b""), (4, 0, b"")],
)
def test_a_range_ends_at_the_objects_end(objects: ObjectStore, start: int, length: int, expected: bytes) -> None:
    objects.put(KEY, b"0123456789")

    assert objects.read_range(KEY, start, length) == expected


@pytest.mark.parametrize(("length", "expected"), [(1, b"9"), (4, b"6789"), (10, b"0123456789"), (99, b"0123456789")])
def test_an_objects_end_comes_with_its_size(objects: ObjectStore, length: int, expected: bytes) -> None:
    objects.put(KEY, b"0123456789")

    assert objects.read_end(KEY, length) == (expected, 10)


def test_the_end_of_an_empty_object_is_empty(objects: ObjectStore) -> None:
    objects.put(KEY, b"")

    assert objects.read_end(KEY, 5) == (b"", 0)


def test_a_missing_object_is_not_found(objects: ObjectStore) -> None:
    reads = (objects.get, objects.info, lambda key: objects.read_range(key, 0, 1), lambda key: objects.read_end(key, 1))
    for read in reads:
        with pytest.raises(NotFoundError) as caught:
            read("packs/absent")
        assert "absent" not in str(caught.value)


def test_a_version_stays_readable_after_it_is_overwritten(objects: ObjectStore) -> None:
    objects.put(KEY, b"first")
    first = objects.info(KEY)
    objects.put(KEY, b"second!")
    second = objects.info(KEY)

    assert objects.get(KEY, first.version_id) == b"first"
    assert objects.get(KEY) == b"second!"
    assert objects.read_range(KEY, 1, 2, first.version_id) == b"ir"
    assert (first.is_latest, objects.info(KEY, first.version_id).is_latest) == (True, False)
    assert (objects.info(KEY, first.version_id).size, second.size) == (5, 7)
    assert objects.info(KEY, second.version_id).is_latest


def test_deleting_hides_objects_and_a_missing_one_is_no_error(objects: ObjectStore) -> None:
    objects.put(KEY, b"x")
    version_id = objects.info(KEY).version_id

    objects.delete([KEY, "packs/absent"])
    objects.delete([])

    with pytest.raises(NotFoundError):
        objects.get(KEY)
    assert objects.get(KEY, version_id) == b"x"


def test_more_objects_than_one_request_takes_are_deleted(objects: ObjectStore) -> None:
    keys = [f"k/{number:04d}" for number in range(1001)]
    objects.put(keys[0], b"x")
    objects.put(keys[-1], b"x")

    objects.delete(keys)

    for key in (keys[0], keys[-1]):
        with pytest.raises(NotFoundError):
            objects.info(key)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_every_version_is_listed_once_in_key_order(objects: ObjectStore, limit: int) -> None:
    for key, body in (("b/2", b"old"), ("b/2", b"newer"), ("b/1 ä/ö", b"x"), ("a", b"elsewhere")):
        objects.put(key, body)

    found: list[ObjectInfo] = []
    after = ""
    while True:
        page = objects.versions("b/", after, limit)
        found += page.items
        after = page.after
        if not after:
            break

    assert [(i.key, i.size, i.is_latest) for i in found] == [("b/1 ä/ö", 1, True), ("b/2", 5, True), ("b/2", 3, False)]
    assert all(objects.get(i.key, i.version_id) for i in found)
    assert all(i.modified_at.endswith("Z") for i in found)


def test_an_object_is_copied_from_another_bucket_by_version(bucket: OpenBucket, unique: Callable[[str], str]) -> None:
    source = unique("landing")
    landing, quarantine = bucket(source), bucket(unique("quarantine"))
    landing.put(KEY, b"sent first")
    version_id = landing.info(KEY).version_id
    landing.put(KEY, b"sent later")

    quarantine.copy_in(source, KEY, version_id, "objects/1", 10)
    quarantine.copy_in(source, KEY, "", "objects/2", 10)

    assert quarantine.get("objects/1") == b"sent first"
    assert quarantine.get("objects/2") == b"sent later"
    with pytest.raises(NotFoundError):
        quarantine.copy_in(source, "absent", "", "objects/3", 10)


def test_an_object_too_large_to_copy_whole_is_copied_in_parts(
    bucket: OpenBucket, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "COPY_WHOLE", 1000)
    monkeypatch.setattr(store, "COPY_PART", 5 * parts.MIB)
    source = unique("landing")
    landing, quarantine = bucket(source), bucket(unique("quarantine"))
    body = bytes(range(256)) * 4096 * 6
    landing.put(KEY, body)

    quarantine.copy_in(source, KEY, landing.info(KEY).version_id, "objects/1", len(body))

    assert quarantine.get("objects/1") == body


@pytest.mark.parametrize("size", [0, 10, parts.PART, parts.PART + 1, 2 * parts.PART + 77])
def test_a_writer_shows_its_object_when_it_commits(objects: ObjectStore, size: int) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]

    with objects.open_writer(KEY) as writer:
        for start in range(0, size, 3_000_017):
            writer.write(memoryview(body)[start : start + 3_000_017])
        with pytest.raises(NotFoundError):
            objects.info(KEY)
        written = writer.commit()

    assert written == size
    assert objects.get(KEY) == body


@pytest.mark.parametrize("size", [10, parts.PART + 1])
def test_a_writer_that_does_not_commit_leaves_nothing(objects: ObjectStore, size: int) -> None:
    def fail() -> None:
        with objects.open_writer(KEY) as writer:
            writer.write(bytes(size))
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()

    with objects.open_writer(KEY) as writer:
        writer.write(bytes(size))

    assert objects.versions().items == ()
    with pytest.raises(ValueError, match="already"):
        writer.commit()


def test_a_committed_writer_takes_no_more(objects: ObjectStore) -> None:
    with objects.open_writer(KEY) as writer:
        writer.write(b"x")
        writer.commit()
        with pytest.raises(ValueError, match="already"):
            writer.write(b"y")
        with pytest.raises(ValueError, match="already"):
            writer.commit()

    assert objects.get(KEY) == b"x"


@pytest.mark.parametrize("before", [0, 16, 6 * parts.MIB])
@pytest.mark.parametrize("length", [0, 100, 5 * parts.MIB, 11 * parts.MIB + 3])
def test_ranges_of_other_objects_are_appended_between_what_is_written(
    objects: ObjectStore, before: int, length: int
) -> None:
    source = bytes(range(251)) * (12 * parts.MIB // 251 + 1)
    objects.put("packs/source", source)

    with objects.open_writer(KEY) as writer:
        writer.write(b"b" * before)
        writer.append("packs/source", 7, length)
        writer.append("packs/source", 100, 6 * parts.MIB)
        writer.write(b"end")
        size = writer.commit()

    found = objects.get(KEY)
    assert size == len(found) == before + length + 6 * parts.MIB + 3
    assert found == b"b" * before + source[7 : 7 + length] + source[100 : 100 + 6 * parts.MIB] + b"end"


def test_a_range_longer_than_s3_copies_at_once_is_appended_in_even_parts(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "LARGEST_COPY", 6 * parts.MIB)
    source = bytes(range(251)) * (12 * parts.MIB // 251 + 1)
    objects.put("packs/source", source)

    with objects.open_writer(KEY) as writer:
        writer.append("packs/source", 0, 11 * parts.MIB + 1)
        writer.commit()

    assert objects.get(KEY) == source[: 11 * parts.MIB + 1]


def test_a_copy_that_fails_is_told_at_commit_and_leaves_nothing(objects: ObjectStore) -> None:
    def append_what_is_missing() -> None:
        with objects.open_writer(KEY) as writer:
            writer.append("packs/absent", 0, 6 * parts.MIB)
            writer.commit()

    with pytest.raises(NotFoundError):
        append_what_is_missing()

    assert objects.versions().items == ()


def test_signed_urls_name_the_object_and_how_long(objects: ObjectStore) -> None:
    objects.put(KEY, b"x")
    version_id = objects.info(KEY).version_id

    url = objects.sign_get(KEY, 300, version_id)

    assert "300" in url
    assert version_id in url
    assert "%20" in url
    assert objects.sign_put(KEY, 60) != objects.sign_put("other", 60)
