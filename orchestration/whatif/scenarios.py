"""What a scenario is: the current reference with parts of a folder in place of its own.

Belongs here: reading, mixing and refusing folders, before anything is rated. Does not belong here:
what is wrong with a reference (price_book); which tables ask for what to be rated again
(rating.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from orchestration.failures import InputError
from orchestration.price_book.problems import Problem, ProblemList, errors_listed
from orchestration.price_book.reference_folder import (
    FOLDERS,
    SINGLE_FILES,
    FolderParts,
    FolderSnapshot,
    read_folder,
    read_parts,
)
from orchestration.price_book.table_compiler import compile_tables
from orchestration.price_book.validation import check_snapshot
from orchestration.price_book.versions import VERSION_LENGTH, ReferenceVersion


class ScenarioInvalidError(InputError):
    """A scenario's folder cannot take the place of parts of the current reference."""

    code = "scenario_invalid"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Reference data that past usage is rated with.

    Attributes:
        name: as the answer calls it.
        folder: where it was read.
        parts: what it holds, such as price_book or tables/contracts.
        content_sha256: digest of the whole reference that it makes.
        tables: all compiled tables of that.
    """

    name: str
    folder: Path
    parts: tuple[str, ...]
    content_sha256: str
    tables: Mapping[str, pa.Table]


def read_scenarios(current: ReferenceVersion, folders: Mapping[str, Path]) -> list[Scenario]:
    """Make the scenarios of some folders, by their names, over a reference version.

    Raises:
        ScenarioInvalidError: a folder is none, holds nothing of a reference folder, or makes one
            with errors; names each with file, line and remedy.
    """
    problems = ProblemList()
    whole = read_folder(current.folder / "source", problems)
    return [
        _scenario(name, folder, whole, current=current.reference_version)
        for name, folder in folders.items()
    ]


def _scenario(name: str, folder: Path, whole: FolderSnapshot, *, current: str) -> Scenario:
    problems = ProblemList()
    parts = read_parts(folder, problems) if folder.is_dir() else FolderParts({}, frozenset())
    if not parts.names:
        known = [f"{each}/" for each in FOLDERS] + ["tables/", *SINGLE_FILES]
        raise ScenarioInvalidError(
            f"Read scenario {name}: {folder} holds nothing of a reference folder, so nothing is "
            f"rated. Name the folder that holds one of {', '.join(known)}."
        )
    mixed = parts.over(whole)
    digest = mixed.content_sha256
    data = check_snapshot(mixed, problems)
    if problems.has_errors:
        found = [_placed(each, parts, folder, current) for each in problems.sorted()]
        count, listed = errors_listed(found)
        raise ScenarioInvalidError(
            f"Read scenario {name} over reference version {current}: {count} errors, so nothing is "
            f"rated.\n{listed}\nCorrect them in {folder}, then ask again."
        )
    return Scenario(
        name=name,
        folder=folder,
        parts=tuple(sorted(parts.names)),
        content_sha256=digest,
        tables=compile_tables(data, digest[:VERSION_LENGTH]),
    )


def _placed(problem: Problem, parts: FolderParts, folder: Path, current: str) -> Problem:
    """A problem with the path of its file: in the scenario's folder, or in the version's."""
    version = Path("reference", "versions", current, "source")
    is_own = parts.holds(problem.path)
    return replace(problem, path=str((folder if is_own else version) / problem.path))
