"""The company's reference data: price book, event contracts, tables; validation; content versions.

Does not belong here: usage; rating, which is dbt's; Dagster.
"""

from orchestration.price_book.event_contracts import EventContract, EventContracts, EventProperty
from orchestration.price_book.policy import Approver, Policy, SignOffPolicy
from orchestration.price_book.problems import Problem, ReferenceInvalidError
from orchestration.price_book.validation import validate_reference
from orchestration.price_book.versions import (
    ReferenceBusyError,
    ReferenceDamagedError,
    ReferenceMissingError,
    ReferenceVersion,
    current_reference,
    event_contracts_of,
    load_reference,
    policy_of,
    write_reference_inputs,
)

__all__ = [
    "Approver",
    "EventContract",
    "EventContracts",
    "EventProperty",
    "Policy",
    "Problem",
    "ReferenceBusyError",
    "ReferenceDamagedError",
    "ReferenceInvalidError",
    "ReferenceMissingError",
    "ReferenceVersion",
    "SignOffPolicy",
    "current_reference",
    "event_contracts_of",
    "load_reference",
    "policy_of",
    "validate_reference",
    "write_reference_inputs",
]
