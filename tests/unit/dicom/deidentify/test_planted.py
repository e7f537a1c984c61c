"""Invented people planted in every place: nothing of them is left, and nothing else is lost. Another seed each run."""

import warnings
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.datadict import keyword_for_tag

from dicomlake.dicom.deidentify.options import OPTIONS, Option
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.standard import standard
from tests.planted.bases import ROOT
from tests.planted.iod import VERIFIER
from tests.planted.persona import invent
from tests.planted.run import SEED, Corpus, copies, deidentify, make_corpus, new_iod_errors, score_corpus
from tests.planted.score import Score, score

OPEN = Policy(faces=Faces.ACCEPT_RISK, text=TextInPixels.NONE)
FACTS = ROOT.parent / "shared/data/ps3_15_table_e1_1.json"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("planted") / "in", SEED)


def test_nothing_planted_is_left_and_the_table_is_followed(corpus: Corpus, tmp_path: Path) -> None:
    outcome = deidentify(corpus, tmp_path / "out", OPEN)

    found = score_corpus(corpus, outcome)

    assert outcome.refusals() == {}
    assert found.leaks == [], f"seed {SEED}"
    assert found.actions == [], f"seed {SEED}"
    assert found.uids == [], f"seed {SEED}"
    assert len(set(found.map.values())) == len(found.map)
    assert found.over_redaction < 0.02, f"seed {SEED}: {found.over}"
    assert found.kept > 500


def test_no_object_breaks_its_iod_more_than_before(corpus: Corpus, tmp_path: Path) -> None:
    if VERIFIER is None:
        pytest.skip("dciodvfy is not here: install dicom3tools")

    outcome = deidentify(corpus, tmp_path / "out", OPEN)

    assert new_iod_errors(corpus, outcome) == {}, f"seed {SEED}"


@pytest.mark.parametrize(
    "option",
    [
        Option.DESCRIPTORS,
        Option.PATIENT,
        Option.DEVICE,
        Option.SAFE_PRIVATE,
        Option.STRUCTURED,
        Option.GRAPHICS,
        Option.MODIFIED_DATES,
    ],
)
def test_an_option_lets_no_name_or_number_through(option: Option, tmp_path: Path) -> None:
    files = [Path(str(get_testdata_file(name))) for name in ("CT_small.dcm", "test-SR.dcm", "rtplan.dcm")]
    corpus = make_corpus(tmp_path / "in", SEED, files)

    outcome = deidentify(corpus, tmp_path / "out", Policy("basic", 1, frozenset({option}), *_OPEN))

    assert outcome.refusals() == {}
    kept = {keyword_for_tag(tag) for tag in standard().options[OPTIONS[option].column]}
    leaks = [leak for leak in score_corpus(corpus, outcome).leaks if leak.split(" left at ")[1] not in kept]
    assert leaks == [], f"seed {SEED}"


_OPEN = (Faces.ACCEPT_RISK, TextInPixels.NONE)


def test_one_patients_dates_move_by_one_number_of_days(tmp_path: Path) -> None:
    names = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "test-SR.dcm")
    corpus = make_corpus(tmp_path / "in", SEED, [Path(str(get_testdata_file(name))) for name in names])

    outcome = deidentify(corpus, tmp_path / "out", Policy("m", 1, frozenset({Option.MODIFIED_DATES}), *_OPEN))

    moved: dict[str, set[int]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, planted, copy in copies(corpus, outcome):
            clean = pydicom.dcmread(copy)
            for keyword in ("StudyDate", "SeriesDate", "ContentDate", "AcquisitionDate", "InstanceCreationDate"):
                days = shift(planted.source.get(keyword), clean.get(keyword))
                moved.setdefault(str(clean.PatientID), set()).update(days)
    assert len(moved) == 2
    assert all(len(days) == 1 for days in moved.values())
    assert len(set.union(*moved.values())) == 2


def shift(before: str | None, after: str | None) -> set[int]:
    if not before or not after:
        return set()
    first, second = (pydicom.valuerep.DA(value) for value in (before, after))
    assert first is not None
    assert second is not None
    return {(second - first).days}


def test_the_scorer_finds_what_was_not_cleaned(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "in", 4, [Path(str(get_testdata_file("CT_small.dcm")))])
    (planted,) = corpus.planted.values()
    found = Score()

    score(planted, planted.raw, pydicom.dcmread(BytesIO(planted.raw)), dict(standard().actions), found)

    assert len(found.leaks) == 24
    assert len(found.actions) > 40
    assert found.over == found.uids == []


def test_a_seed_gives_the_same_person_again() -> None:
    assert invent(SEED) == invent(SEED)
    assert invent(SEED) != invent(SEED + 1)
