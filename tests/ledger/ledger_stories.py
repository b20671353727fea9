"""Stories of the settlement ledger as people write them: a company's months, and what changes.

Belongs here: the format of tests/ledger/*.yml. Does not belong here: closing months
(ledger_run.py), the reference folder and usage files that a story becomes (golden_tenant.py); any
figure.

`given` is a golden case (tests/golden/README.md) without what it expects; an event's `batch` is the
close that it arrives in, or 5 for after the last one. Close 1 is that of January 2026. What a close
says under `change` replaces fields of the case from then on, and at a close that is_lost its
contract files do not arrive.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml
from golden_cases import CASE_FIELDS, Case, CaseError, filled_fields

FOLDER = Path(__file__).parent
CLOSES = 4
EXPECTED_FIELDS = {"name", "why", "lines", "draws", "left", "breakage", "exceptions", "rejected"}
GIVEN_FIELDS = CASE_FIELDS - EXPECTED_FIELDS
CLOSE_FIELDS = {
    *("change", "is_lost", "why", "documents", "held"),
    *("hold", "records", "dates", "bill_to", "expires"),
    *("is_refused", "on_demand"),
}


@dataclass(frozen=True)
class Close:
    """What a story is like when a month is closed, and what must come of it.

    Attributes:
        case: the company then. is_lost: whether its contract files do not arrive.
        documents: texts of the documents signed at this close. lines: by such a text, texts of the
            document's lines, where the story says them. held: codes of what holds its charges.
        hold: documents that are not signed. records: what finance signs after the close. dates: by
        text of a document, the day on which it is booked. bill_to: by such a text, the customer
        that it is for. expires: texts of what expires of grants. is_refused: whether the ERP
        refuses its documents. on_demand: an earlier month that is corrected beside the run.
    """

    case: Case
    is_lost: bool
    documents: list
    lines: dict
    held: list
    hold: list = field(default_factory=list)
    records: list = field(default_factory=list)
    dates: dict = field(default_factory=dict)
    bill_to: dict = field(default_factory=dict)
    expires: list = field(default_factory=list)
    is_refused: bool = False
    on_demand: str | None = None


@dataclass(frozen=True)
class Story:
    """One story.

    Attributes:
        name: of its file. about: a sentence. closes: one for each month, from January on.
        unbilled: by bucket, what is not billed in the end.
    """

    name: str
    about: str
    closes: list
    unbilled: dict = field(default_factory=dict)


def period_of(number):
    """The billing period of a close, from 1."""
    return f"{date(2026, number, 1):%Y-%m}"


def read_stories():
    """Every story, in order of its file's name.

    Raises:
        CaseError: a file has a field that is not read, or more closes than are made.
    """
    return [_story(path) for path in sorted(FOLDER.glob("*.yml"))]


def _story(path):
    content = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 — texts only
    _refuse_unknown(path, content, {"about", "given", "closes", "unbilled"})
    _refuse_unknown(path, content["given"], GIVEN_FIELDS)
    if len(content["closes"]) > CLOSES:
        raise CaseError(f"{path.name}: {len(content['closes'])} closes, and {CLOSES} are made.")
    given, closes = dict(content["given"]), []
    for number in range(CLOSES):
        told = content["closes"][number] if number < len(content["closes"]) else {}
        _refuse_unknown(path, told, CLOSE_FIELDS)
        _refuse_unknown(path, told.get("change", {}), GIVEN_FIELDS)
        given |= told.get("change", {})
        case = Case(path.stem, path.stem, path, filled_fields(given, {}))
        documents = [_document(each) for each in told.get("documents", [])]
        closes.append(
            Close(
                case=case,
                is_lost=told.get("is_lost") == "true",
                documents=sorted(text for text, _ in documents),
                lines={text: sorted(lines) for text, lines in documents if lines},
                held=sorted(told.get("held", [])),
                hold=told.get("hold", []),
                records=told.get("records", []),
                dates=told.get("dates", {}),
                bill_to=told.get("bill_to", {}),
                expires=sorted(told.get("expires", [])),
                is_refused=told.get("is_refused") == "true",
                on_demand=told.get("on_demand"),
            )
        )
    return Story(path.stem, content["about"], closes, content.get("unbilled", {}))


def _document(told):
    if isinstance(told, str):
        return told, []
    return told["document"], told["lines"]


def _refuse_unknown(path, told, known):
    if unknown := sorted(set(told) - known):
        raise CaseError(f"{path.name}: nothing reads {', '.join(unknown)}; known: {sorted(known)}.")
