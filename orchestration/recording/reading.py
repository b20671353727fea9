"""From a file that people write to records, with every problem of it at once.

Belongs here: reading the YAML and placing its problems. Does not belong here: fields (models.py),
anything that needs the register.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestration.billing.canonical import bytes_digest
from orchestration.failures import InputError
from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.problems import Problem, ProblemList
from orchestration.price_book.refusals import add_yaml_refusals
from orchestration.price_book.table_reader import decode_text
from orchestration.price_book.yaml_reader import Location, YamlDocument, read_yaml
from orchestration.recording.models import (
    RECORD_MODELS,
    EventRecord,
    Record,
    RecordOfNoKind,
    RecordsFile,
    RecordsHead,
)


class RecordsInvalidError(InputError):
    """A file of records has problems, so nothing of it is recorded.

    Attributes:
        problems: every one, by line.
    """

    code = "records_invalid"

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"Read the records {name}: {len(problems)} problems, so nothing was recorded.\n{listed}"
            "\nCorrect them and record again."
        )


def read_file(path: Path) -> str:
    """The text of a file of records.

    Raises:
        RecordsInvalidError: it cannot be read, or is not UTF-8.
    """
    problems = ProblemList()
    text = None
    try:
        text = decode_text(path.name, path.read_bytes(), problems)
    except OSError as error:
        problems.add("unreadable_file", path.name, 1, f"The file cannot be read: {error.strerror}.")
    if text is None:
        raise RecordsInvalidError(path.name, problems.sorted())
    return text


def read_records(name: str, content: bytes) -> RecordsFile:
    """Read the records of a file.

    Args:
        name: of the file, for messages and for the register.
        content: its bytes, UTF-8.

    Raises:
        RecordsInvalidError: names every problem with its line.
    """
    problems = ProblemList()
    text = decode_text(name, content, problems)
    document = read_yaml(name, text, problems) if text is not None else None
    if document is None or not document.is_read:
        raise RecordsInvalidError(name, problems.sorted())
    head, records = _head(document, problems), _records(document, problems)
    of_events = [isinstance(record, EventRecord) for record in records]
    if any(of_events) and not all(of_events):
        problems.add(
            "wrong_value",
            document.path,
            document.line(("records",)),
            "The file, field records: holds decisions on events and others; give each a file of "
            "its own, since each is signed as a whole.",
        )
    if head is None or problems.has_errors:
        raise RecordsInvalidError(name, problems.sorted())
    return RecordsFile(
        name=name, sha256=bytes_digest(content), author=head.author, records=tuple(records)
    )


def _head(document: YamlDocument, problems: ProblemList) -> RecordsHead | None:
    content = document.content
    given = (
        {key: value for key, value in content.items() if key != "records"}
        if (isinstance(content, dict))
        else content
    )
    head: RecordsHead | None = _record(document, (), given, RecordsHead, problems)
    return head


def _records(document: YamlDocument, problems: ProblemList) -> list[Record]:
    content = document.content
    given = content.get("records") if isinstance(content, dict) else None
    if not isinstance(given, list) or not given:
        problems.add(
            "missing_field",
            document.path,
            document.line(("records",)),
            "The file, field records: must be a list of at least one record.",
        )
        return []
    records: list[Record] = []
    for number, entry in enumerate(given):
        place: Location = ("records", number)
        kind = entry.get("kind") if isinstance(entry, dict) else None
        model = RECORD_MODELS.get(kind) if isinstance(kind, str) else None
        if model is None:
            _record(document, place, entry, RecordOfNoKind, problems)
            continue
        record: Any = _record(document, place, entry, model, problems)
        if record is None:
            continue
        if any(record.id == other.id for other in records):
            problems.add(
                "duplicate_id",
                document.path,
                document.line((*place, "id")),
                f"record {record.id}: the id stands there already.",
            )
        records.append(record)
    return records


def _record(
    document: YamlDocument,
    place: Location,
    content: Any,
    model: type[FrozenModel],
    problems: ProblemList,
) -> Any:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        add_yaml_refusals(error, document, place, model, problems)
        return None
