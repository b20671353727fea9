"""Who owns which asset, by team.

Belongs here: the teams' names. Does not belong here: stewards of exceptions, which are dbt's.
"""

from typing import Final

DATA_ENGINEERING: Final = "team:data_engineering"
REVENUE_OPERATIONS: Final = "team:revenue_operations"
FINANCE: Final = "team:finance"
ACCOUNT_TEAMS: Final = "team:account_teams"

WAREHOUSE_WRITER: Final = "warehouse_writer"
"""The pool of everything that opens the warehouse file; its limit is one."""
