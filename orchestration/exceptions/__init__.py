"""Exceptions over time: their history, who lets one stand, how old they are, what is at risk.

Does not belong here: finding exceptions, which is dbt's (fct_exceptions); what the register keeps
of a waiver (orchestration/billing/waivers.py); tables for people (orchestration/reports).
"""

from orchestration.exceptions.found import ExceptionQuestion, FoundException, find_exceptions
from orchestration.exceptions.history import keep_exceptions
from orchestration.exceptions.risk import AtRisk, at_risk_by_period
from orchestration.exceptions.waiving import waive_exception, withdraw_waiver

__all__ = [
    "AtRisk",
    "ExceptionQuestion",
    "FoundException",
    "at_risk_by_period",
    "find_exceptions",
    "keep_exceptions",
    "waive_exception",
    "withdraw_waiver",
]
