"""Every problem of a reference folder at once: the one door to all checks.

Belongs here: the order of the checks. Does not belong here: any check.
"""

from pathlib import Path

from orchestration.price_book.author_checks import check_authors
from orchestration.price_book.contract_checks import check_contracts
from orchestration.price_book.grant_checks import check_grants
from orchestration.price_book.meter_checks import check_meters
from orchestration.price_book.override_checks import check_overrides
from orchestration.price_book.price_checks import check_prices
from orchestration.price_book.problems import Problem, ProblemList
from orchestration.price_book.reading import read_reference
from orchestration.price_book.reference_data import ReferenceData
from orchestration.price_book.reference_folder import FolderSnapshot, read_folder
from orchestration.price_book.table_checks import check_tables
from orchestration.price_book.term_checks import check_terms


def validate_reference(reference_dir: Path) -> list[Problem]:
    """Every error and warning of a reference folder, sorted by file and line; empty when sound.

    Nothing in the folder makes this raise: what cannot be read is a problem with its file and line.
    """
    problems = ProblemList()
    check_snapshot(read_folder(reference_dir, problems), problems)
    return problems.sorted()


def check_snapshot(snapshot: FolderSnapshot, problems: ProblemList) -> ReferenceData:
    """Read a snapshot and add every problem of it; the data holds whatever was sound."""
    data = read_reference(snapshot, problems)
    check_meters(data, problems)
    check_prices(data.book, problems)
    check_tables(data, problems)
    check_contracts(data, problems)
    check_overrides(data, problems)
    check_terms(data, problems)
    check_grants(data, problems)
    check_authors(data, problems)
    return data
