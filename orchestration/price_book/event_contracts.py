"""Event contracts: what the `data` of an event type must look like, by version.

Belongs here: reading event_contracts/<event_type>/<version>.json (JSON Schema 2020-12 of `data`)
into records that ingestion compiles, and every problem found while doing so.
Does not belong here: checking an event (ingest); which meter uses a property (price_book models).

A contract describes flat or nested objects of scalars. A keyword that ingestion could not honour is
a problem, never ignored. `pattern` is RE2 syntax, found anywhere in the text unless anchored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from orchestration.failures import InputError
from orchestration.price_book.event_contract_reading import (
    ContractReading,
    matches_pattern,
)
from orchestration.price_book.event_contract_records import (
    UNNAMED_VERSION,
    EventContract,
    EventContractProblem,
    EventObject,
    EventProperty,
    PropertyKind,
)

__all__ = [
    "UNNAMED_VERSION",
    "EventContract",
    "EventContractProblem",
    "EventContracts",
    "EventContractsInvalidError",
    "EventObject",
    "EventProperty",
    "PropertyKind",
    "matches_pattern",
    "read_event_contracts",
]


class EventContractsInvalidError(InputError):
    """At least one event contract cannot be used; the message lists every problem."""

    code = "event_contracts_invalid"

    def __init__(self, problems: "Sequence[EventContractProblem]") -> None:
        listed = "\n".join(
            f"  {p.path}:{p.line}: {p.code}: {p.message} {p.remedy}" for p in problems
        )
        super().__init__(f"Read the event contracts: {len(problems)} problems.\n{listed}")
        self.problems = tuple(problems)


@dataclass(frozen=True)
class EventContracts:
    """Every event contract of one version of the reference data."""

    contracts: tuple[EventContract, ...]

    def find(self, event_type: str, dataschema: str | None) -> EventContract | None:
        """Return the contract that an event of this type and dataschema is read by, or None.

        A dataschema picks the version whose "$id" it equals; without one it is version "1".
        """
        for contract in self.contracts:
            if contract.event_type == event_type and (
                contract.version == UNNAMED_VERSION
                if dataschema is None
                else contract.dataschema == dataschema
            ):
                return contract
        return None

    def property_columns(self) -> tuple[str, ...]:
        """Return the column of every declared property, sorted, each once."""
        return tuple(
            sorted({item.column_name for one in self.contracts for item in one.properties})
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read every contract under a folder event_contracts/; an absent folder holds none.

        Raises:
            EventContractsInvalidError: at least one file has a problem; all of them are named.
        """
        contracts, problems = read_event_contracts(folder)
        if problems:
            raise EventContractsInvalidError(problems)
        return cls(contracts)


def read_event_contracts(
    folder: Path,
) -> tuple[tuple[EventContract, ...], tuple[EventContractProblem, ...]]:
    """Return the contracts of a folder that are sound, and the problems of the others.

    The files are <folder>/<event_type>/<version>.json; names that start with a dot are skipped.
    """
    contracts: list[EventContract] = []
    problems: list[EventContractProblem] = []
    for path in _contract_files(folder, problems):
        reading = ContractReading(path)
        contract = reading.contract()
        problems.extend(reading.problems)
        if contract is not None and not reading.problems:
            contracts.append(contract)
            problems.extend(_clashes(contract, contracts[:-1], path))
    return tuple(contracts), tuple(problems)


def _contract_files(folder: Path, problems: list[EventContractProblem]) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.startswith(".") for part in parts):
            continue
        if len(parts) != 2 or path.suffix != ".json":  # noqa: PLR2004 - a folder and a file
            problems.append(
                EventContractProblem(
                    path,
                    1,
                    "contract_misplaced",
                    "This is not where an event contract lies.",
                    "Put it at event_contracts/<event_type>/<version>.json.",
                )
            )
        else:
            yield path


def _clashes(
    contract: EventContract, earlier: Sequence[EventContract], path: Path
) -> Iterator[EventContractProblem]:
    for other in earlier:
        if (
            other.event_type == contract.event_type
            and other.dataschema is not None
            and other.dataschema == contract.dataschema
        ):
            yield EventContractProblem(
                path,
                1,
                "schema_id_repeated",
                f'"$id" {contract.dataschema} is also that of version {other.version}.',
                'Give each version of an event type its own "$id".',
            )
