"""Why a dbt run failed, in a message that a person can act on.

Belongs here: what failed and what dbt said of it, short, with the file that has it in full. Does
not belong here: running dbt (dbt.py), what becomes of the failure (failures.py).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from orchestration.disk_failures import DiskError, disk_error, refusal_in
from orchestration.failures import BusinessError

_MESSAGE_LENGTH: Final = 300
_SHOWN: Final = 10
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_PARSED_ERRORS: Final = "Errors parsed from dbt logs:"
_RED_TEST: Final = "Failure in "
_PROGRESS: Final = re.compile(r"^\d+ of \d+ ")


class DbtFailedError(BusinessError):
    """A dbt command failed: a model could not be built, or a data test is red."""

    code = "dbt_failed"


def dbt_failure(message: str) -> DbtFailedError | DiskError:
    """Return the error to raise: a disk that refused dbt is no matter of data or models."""
    refusal = refusal_in(message)
    return DbtFailedError(message) if refusal is None else disk_error(refusal, said=message)


def failure_message(did: str, failed: Sequence[str], *, in_full: Path) -> str:
    """Say what failed, each on one short line of text, and where dbt's own words are.

    Args:
        did: what was run.
        failed: of each node that failed what dbt said, its name first.
        in_full: the file that has it in full.
    """
    shown = "; ".join(" ".join(text.split())[:_MESSAGE_LENGTH] for text in failed[:_SHOWN])
    count = len(failed)
    return (
        f"{did}: {count} {'node' if count == 1 else 'nodes'} failed: {shown}. Correct the data or "
        f"the model that each names; what dbt said in full is in {in_full}."
    )


def errors_in(description: str) -> list[str]:
    """What dbt said of each node that failed, from the description of Dagster's error about it.

    Without the command, colours and lines of progress; the whole description where it has no part
    that dbt wrote.
    """
    plain = _COLOUR.sub("", description)
    _, marker, parsed = plain.partition(_PARSED_ERRORS)
    if not marker:
        return [plain]
    said: list[list[str]] = [[]]
    for paragraph in re.split(r"\n\s*\n", parsed):
        text = paragraph.strip()
        if _PROGRESS.match(text) or text.startswith(_RED_TEST):
            said.append([])
        if not _PROGRESS.match(text):
            said[-1].append(text)
    return [text for text in map(" ".join, said) if text.strip()] or [plain]
