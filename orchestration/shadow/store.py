"""The files that were loaded, each with its mapping, and which of them stands for a month.

Belongs here: keeping them, reading them back, the proof that they are what was loaded. Does not
belong here: what is in them (invoice_lines.py, mapping.py).

    shadow/files/<sha256>.csv, <sha256>.yml     what was loaded, by content
    shadow/loads/000001.json                    a load: month, digests, name, instant, who

A load begins to exist with its own file, which is put last. Nothing is ever changed or removed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestration.actors import Actor
from orchestration.billing.canonical import bytes_digest, instant_text
from orchestration.durable import FileTakenError, disk_errors, put_new_file
from orchestration.failures import RefusedError
from orchestration.settings import Settings

_FIELDS: Final = (
    "load_number",
    "billing_period",
    "file_name",
    "file_sha256",
    "mapping_sha256",
    "loaded_at",
    "loaded_by",
)
_LATER_FIELDS: Final = ("loaded_by_source", "run_id")


class InvoiceLoadDamagedError(RefusedError):
    """A loaded file, its mapping or the record of a load is not what was loaded."""

    code = "invoice_load_damaged"


@dataclass(frozen=True, kw_only=True)
class InvoiceLoad:
    """One file that was loaded for a month.

    Attributes:
        load_number: from 1 on, in the order of loading.
        billing_period: YYYY-MM, whose invoices the file holds.
        file_name: as it was called.
        file_sha256, mapping_sha256: of the two contents.
        loaded_at: UTC instant as text. loaded_by: the actor's name.
        loaded_by_source, run_id: how the actor is known, and in which run; a load from before
            these were kept says neither.
    """

    load_number: int
    billing_period: str
    file_name: str
    file_sha256: str
    mapping_sha256: str
    loaded_at: str
    loaded_by: str
    loaded_by_source: str = "self_declared"
    run_id: str | None = None


def read_loads(settings: Settings) -> list[InvoiceLoad]:
    """Return every load in order.

    Raises:
        InvoiceLoadDamagedError: a record is missing or cannot be read as one.
    """
    loads = []
    for number, path in enumerate(sorted((settings.shadow / "loads").glob("*.json")), start=1):
        try:
            content = json.loads(path.read_text("utf-8"))
            later = {name: content[name] for name in _LATER_FIELDS if name in content}
            load = InvoiceLoad(**{name: content[name] for name in _FIELDS}, **later)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(path, f"it cannot be read as a load ({error})") from error
        if path.name != _record_name(number) or load.load_number != number:
            raise _damaged(path, f"load {number} is expected here")
        loads.append(load)
    return loads


def loads_in_force(loads: Sequence[InvoiceLoad]) -> list[InvoiceLoad]:
    """Return the last load of each month, by month."""
    last = {load.billing_period: load for load in loads}
    return [last[period] for period in sorted(last)]


def keep_load(
    settings: Settings,
    *,
    billing_period: str,
    file_name: str,
    content: bytes,
    mapping: bytes,
    now: datetime,
    actor: Actor,
) -> tuple[InvoiceLoad, bool]:
    """Keep a file with its mapping; the same content as stands for the month is kept once.

    Returns:
        The load that stands for the month, and whether it is new.

    Raises:
        FileTakenError: another process loaded at the same instant; nothing of this one stands.
        RegisterWriteError: the disk refused.
        InvoiceLoadDamagedError: an earlier load is damaged.
    """
    loads = read_loads(settings)
    load = InvoiceLoad(
        load_number=len(loads) + 1,
        billing_period=billing_period,
        file_name=file_name,
        file_sha256=bytes_digest(content),
        mapping_sha256=bytes_digest(mapping),
        loaded_at=instant_text(now),
        loaded_by=actor.name,
        loaded_by_source=actor.source,
        run_id=actor.run_id,
    )
    for standing in loads_in_force(loads):
        contents = (standing.file_sha256, standing.mapping_sha256)
        if standing.billing_period == billing_period and contents == (
            load.file_sha256,
            load.mapping_sha256,
        ):
            return standing, False
    with disk_errors(f"Kept the invoice lines {file_name}"):
        _put_content(_file_of(settings, load.file_sha256, "csv"), content)
        _put_content(_file_of(settings, load.mapping_sha256, "yml"), mapping)
        record = json.dumps(asdict(load), indent=2, ensure_ascii=False).encode()
        put_new_file(settings.shadow / "loads" / _record_name(load.load_number), record)
    return load, True


def content_of(settings: Settings, load: InvoiceLoad) -> bytes:
    """Return the file of a load.

    Raises:
        InvoiceLoadDamagedError: it is missing or changed.
    """
    return _content(settings, load.file_sha256, "csv")


def mapping_of(settings: Settings, load: InvoiceLoad) -> bytes:
    """Return the mapping of a load.

    Raises:
        InvoiceLoadDamagedError: it is missing or changed.
    """
    return _content(settings, load.mapping_sha256, "yml")


def damaged_contents(settings: Settings, loads: Sequence[InvoiceLoad]) -> list[str]:
    """Say of each file and mapping that some loads list whether it is missing or changed."""
    problems = {}
    for load in loads:
        for sha256, suffix in ((load.file_sha256, "csv"), (load.mapping_sha256, "yml")):
            try:
                _content(settings, sha256, suffix)
            except InvoiceLoadDamagedError as error:
                problems[sha256, suffix] = str(error)
    return list(problems.values())


def _content(settings: Settings, sha256: str, suffix: str) -> bytes:
    path = _file_of(settings, sha256, suffix)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, f"it cannot be read ({error.strerror})") from error
    if bytes_digest(content) != sha256:
        raise _damaged(path, "its content is not what its name says")
    return content


def _put_content(target: Path, content: bytes) -> None:
    if target.exists() and target.read_bytes() == content:
        return
    try:
        put_new_file(target, content)
    except FileTakenError as error:
        if target.read_bytes() != content:
            raise _damaged(target, "its content is not what its name says") from error


def _file_of(settings: Settings, sha256: str, suffix: str) -> Path:
    return settings.shadow / "files" / f"{sha256}.{suffix}"


def _record_name(number: int) -> str:
    return f"{number:06}.json"


def _damaged(path: Path, what: str) -> InvoiceLoadDamagedError:
    return InvoiceLoadDamagedError(
        f"Read {path}: {what}. Restore the folder shadow/ from a copy, or move it away and load "
        "the invoice files again; nothing that is billed depends on it."
    )
