"""The codes that an exception can have, and the stewards who own them.

Belongs here: the two closed lists, so that policy.yml can be held against them. Does not belong
here: what each code means and what to do, which is dbt's (macros/billing/exception_guides.sql).
"""

from typing import Final

STEWARDS: Final = ("identity", "catalog", "contract", "pricing", "finance", "integration")

EXCEPTION_CODES: Final = (
    "unmapped_source",
    "unmapped_subject",
    "ambiguous_identity",
    "no_contract",
    "ambiguous_contract",
    "unpriced_usage",
    "unvalued_usage",
    "missing_price",
    "unpriced_dimension",
    "quantity_beyond_tiers",
    "unknown_currency",
    "negative_quantity",
    "amount_overflow",
    "conflicting_events",
    "depends_on_held",
    "credit_to_restore",
    "grant_missing",
    "grant_in_another_currency",
    "grant_changed",
    "grant_below_draws",
    "billed_key_not_rated",
    "cell_moved",
    "missing_source_day",
    "control_total_differs",
    "control_total_missing",
    "rejected_lines",
    "file_refused",
    "changed_file",
    "posting_rejected",
    "posting_abandoned",
    "posting_unknown",
)
