"""Edits of reference data that reach into signed cells, and whether they say so.

Belongs here: finding what differs between two versions of the reference data, which signed cells it
touches, and the refusal. Does not belong here: what restates.yml may say (price_book).
"""

from orchestration.restating.judge import refuse_unstated, unstated_problems

__all__ = ["refuse_unstated", "unstated_problems"]
