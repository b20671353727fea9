"""What is asked: periods in order, a name for each scenario, and what is refused."""

from pathlib import Path

import pytest

from orchestration.billing.refusals import PeriodInvalidError
from orchestration.whatif.question import QuestionInvalidError, periods_of, what_if_question


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("2026-09", ("2026-09",)),
        ("2026-09:2026-09", ("2026-09",)),
        ("2026-11:2027-02", ("2026-11", "2026-12", "2027-01", "2027-02")),
    ],
)
def test_periods_are_months_from_the_first_to_the_last_one(text, periods):
    assert periods == periods_of(text)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-09:", ":2026-09", "2026-10:2026-09", "2026-1:2026-3:x"]
)
def test_what_is_no_row_of_months_is_refused(text):
    with pytest.raises(PeriodInvalidError):
        periods_of(text)


def test_a_scenario_is_called_by_as_much_of_its_path_as_tells_it_from_the_others():
    folders = [Path("/one/books/dearer"), Path("/two/books/dearer"), Path("/two/cheaper")]
    names = ["one/books/dearer", "two/books/dearer", "cheaper"]
    assert dict(zip(names, folders, strict=True)) == what_if_question("2026-09", folders).folders
    assert ["dearer", "/"] == list(what_if_question("2026-09", [folders[0], Path("/")]).folders)


@pytest.mark.parametrize(
    ("folders", "name", "said"),
    [
        ([], None, "without a price book"),
        (["/a/b", "/a/../a/b"], None, "/a/b is named twice"),
        (["/a"], "../up", "also the name of a folder"),
        (["/a"], "", "also the name of a folder"),
    ],
)
def test_a_question_that_cannot_be_told_apart_is_refused(folders, name, said):
    with pytest.raises(QuestionInvalidError, match=said):
        what_if_question("2026-09", [Path(folder) for folder in folders], name=name)
