"""Credit grants as the tables that dbt reads.

Belongs here: rows of credit_grants and credit_grant_scopes. Does not belong here: judging a grant
(grant_checks.py); the columns (table_schemas.py).
"""

from typing import Any

from orchestration.price_book.reference_data import Tables

Record = dict[str, Any]


def grant_rows(tables: Tables) -> dict[str, list[Record]]:
    """Rows of credit_grants and credit_grant_scopes by table, of data without errors."""
    grants = [row.item for row in tables.credit_grants]
    return {
        "credit_grants": [
            dict(grant)
            | {
                "is_scoped": bool(grant.scoped_ids()),
                "draws_by": grant.draws_by or "service_date",
                "restores_after_expiry": grant.restores_after_expiry or "forfeit",
            }
            for grant in grants
        ],
        "credit_grant_scopes": [
            {"credit_grant_id": grant.credit_grant_id, "charge_id": charge_id}
            for grant in grants
            for charge_id in sorted(set(grant.scoped_ids()))
        ],
    }
