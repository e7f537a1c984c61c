"""A study's life, by literals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.commit import CommitRow, SeriesShare
from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import NO_COUNTS, Counts, SeriesAttributes, SeriesUid, StudyAttributes, StudyUid
from dicomlake.domain.study import (
    Completeness,
    SettlePolicy,
    Study,
    StudyState,
    become_ready,
    begin_settling,
    decide_settle,
    fold_series,
    fold_study,
    format_time,
    parse_time,
)

STUDY = StudyUid("1.2.3")
T0 = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
POLICY = SettlePolicy(quiet_seconds=30, cap_seconds=180)


def row(number: int, series: str = "1.2.3.1", instances: int = 2, seconds: float = 0) -> CommitRow:
    share = SeriesShare(SeriesAttributes(SeriesUid(series)), Counts(instances, instances, 10, 5), "CT", ("1.2.840",))
    return CommitRow(
        commit_id=f"{number:032x}",
        kind="stored",
        at=format_time(T0 + timedelta(seconds=seconds)),
        study_uid=STUDY,
        tally=Tally(stored=instances),
        counts=Counts(instances, instances, 10, 5),
        study=StudyAttributes(STUDY, {"00100020": {"vr": "LO", "Value": ["1"]}}),
        series=(share,),
    )


def folded(*rows: CommitRow, before: Study | None = None) -> Study:
    return fold_study(before, rows, fold_series((), rows))


def test_the_first_rows_make_a_receiving_study_of_generation_one() -> None:
    study = folded(row(1), row(2, seconds=3))

    assert (study.state, study.generation) == (StudyState.RECEIVING, 1)
    assert study.counts == Counts(4, 4, 20, 10)
    assert study.generation_started_at == format_time(T0)
    assert study.last_stored_at == format_time(T0 + timedelta(seconds=3))
    assert study.modalities == ("CT",)
    assert study.attributes["00100020"] == {"vr": "LO", "Value": ["1"]}


@pytest.mark.parametrize(("state", "untold"), [(StudyState.SETTLING, 4), (StudyState.READY, 2)])
def test_what_arrives_late_opens_a_new_generation(state: StudyState, untold: int) -> None:
    settled = replace(folded(row(1)), state=state, timer_due=format_time(T0))

    late = fold_study(settled, (row(2, seconds=90),), ())

    assert (late.state, late.generation, late.timer_due) == (StudyState.RECEIVING, 2, "")
    assert late.generation_started_at == format_time(T0 + timedelta(seconds=90))
    assert late.counts.instances == 4
    assert late.since_ready == Tally(stored=untold)


@pytest.mark.parametrize("state", [StudyState.SETTLING, StudyState.READY])
def test_duplicates_alone_open_no_generation(state: StudyState) -> None:
    settled = replace(folded(row(1)), state=state)
    again = replace(row(2, seconds=90), kind="duplicate", tally=Tally(duplicates=2), counts=NO_COUNTS, series=())

    late = fold_study(settled, (again,), ())

    assert (late.state, late.generation) == (state, settled.generation)
    assert late.tally == settled.tally + Tally(duplicates=2)


@given(st.permutations(range(6)), st.integers(1, 5))
def test_folding_in_any_order_and_grouping_gives_the_same_counts(order: list[int], cut: int) -> None:
    rows = [row(n, f"1.2.3.{n % 3}", n + 1, n) for n in range(6)]
    shuffled = tuple(rows[n] for n in order)

    at_once = folded(*rows)
    series_after_first = fold_series((), shuffled[:cut])
    first = fold_study(None, shuffled[:cut], series_after_first)
    touched = fold_series(series_after_first, shuffled[cut:])
    everything = {s.series_uid: s for s in (*series_after_first, *touched)}
    in_two = fold_study(first, shuffled[cut:], tuple(everything.values()))

    assert in_two.counts == at_once.counts
    assert in_two.tally == at_once.tally
    assert in_two.series_count == at_once.series_count == 3
    assert in_two.last_stored_at == at_once.last_stored_at
    assert sum(s.counts.instances for s in everything.values()) == at_once.counts.instances


def test_a_study_settles_after_the_quiet_period() -> None:
    study = folded(row(1))

    early = decide_settle(study, POLICY, 0, T0 + timedelta(seconds=10))
    due = decide_settle(study, POLICY, 0, T0 + timedelta(seconds=30))

    assert (early.settle, early.wait_seconds) == (False, 20)
    assert (due.settle, due.completeness) == (True, Completeness.QUIET)


def test_work_in_flight_holds_a_study_back_until_the_cap() -> None:
    study = folded(row(1))

    held = decide_settle(study, POLICY, 1, T0 + timedelta(seconds=60))
    capped = decide_settle(study, POLICY, 1, T0 + timedelta(seconds=180))

    assert (held.settle, held.wait_seconds) == (False, 30)
    assert capped.settle


def test_images_that_keep_coming_do_not_put_the_cap_off() -> None:
    study = folded(row(1), row(2, seconds=179))

    assert decide_settle(study, POLICY, 0, T0 + timedelta(seconds=180)).settle


def test_a_declared_study_settles_at_once_when_its_count_is_reached() -> None:
    study = replace(folded(row(1)), declared=2)

    decision = decide_settle(study, POLICY, 0, T0)

    assert (decision.settle, decision.completeness) == (True, Completeness.DECLARED)


def test_a_declared_study_that_is_short_waits_for_quiet_and_is_not_called_complete() -> None:
    study = replace(folded(row(1)), declared=3)

    decision = decide_settle(study, POLICY, 0, T0 + timedelta(seconds=30))

    assert (decision.settle, decision.completeness) == (True, Completeness.QUIET)


def test_ready_is_the_end_of_a_generation() -> None:
    ready = become_ready(begin_settling(folded(row(1))), T0)

    assert (ready.state, ready.ready_generation, ready.ready_at) == (StudyState.READY, 1, format_time(T0))


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))
def test_times_read_back_and_sort_as_text(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)

    assert parse_time(format_time(at)) == at
    assert format_time(at) < format_time(at + timedelta(milliseconds=1))
