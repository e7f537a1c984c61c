"""A push remembers what is in the landing bucket, whatever ends it."""

from pathlib import Path

from dicomlake.client.receipts import Receipt, Receipts


def test_what_was_sent_is_known_to_the_next_run(tmp_path: Path) -> None:
    with Receipts(tmp_path / "deep" / "pushed.jsonl") as receipts:
        receipts.add("a" * 32, Receipt("sources/default/1/0", "v1"))

    with Receipts(tmp_path / "deep" / "pushed.jsonl") as receipts:
        assert receipts.get("a" * 32) == Receipt("sources/default/1/0", "v1")
        assert receipts.get("b" * 32) is None


def test_a_receipt_is_on_disk_before_the_run_ends(tmp_path: Path) -> None:
    with Receipts(tmp_path / "pushed.jsonl") as running:
        running.add("a" * 32, Receipt("k", "v"))

        with Receipts(tmp_path / "pushed.jsonl") as other:
            assert other.get("a" * 32) == Receipt("k", "v")


def test_a_line_cut_by_a_kill_costs_one_file_only(tmp_path: Path) -> None:
    file = tmp_path / "pushed.jsonl"
    file.write_text('["aa", "k", "v"]\n["bb", "k2')

    with Receipts(file) as receipts:
        receipts.add("cc", Receipt("k3", "v3"))

    with Receipts(file) as receipts:
        assert receipts.get("aa") == Receipt("k", "v")
        assert receipts.get("bb") is None
        assert receipts.get("cc") == Receipt("k3", "v3")
