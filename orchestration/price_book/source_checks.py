"""Whether sources.yml is clear: one entry per prefix, and announcements that can be judged.

Belongs here: prefixes that repeat, days that are announced, and quiet days among them. Does not
belong here: whether announced usage arrived, which dbt's fct_source_days says.
"""

from orchestration.price_book.control_total_checks import check_control_totals
from orchestration.price_book.policy import SourcesFile, UsageSource
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, ReferenceData
from orchestration.price_book.yaml_reader import Location

_ANNOUNCING = ("expected_from", "expected_to", "quiet_days")


def check_sources(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of sources.yml that is not a single value's."""
    if data.sources is None:
        return
    sources = data.sources.item.sources
    prefixes = [source.prefix for source in sources]
    for index, source in enumerate(sources):
        steps = ("sources", index)
        if source.prefix in prefixes[:index]:
            _add(
                "duplicate_id",
                data.sources,
                (*steps, "prefix"),
                "the prefix stands there already",
                problems,
            )
        _check_announcement(data.sources, source, steps, problems)
        _check_quiet_days(data.sources, source, steps, problems)
    check_control_totals(data, problems)


def _check_announcement(
    located: Located[SourcesFile], source: UsageSource, steps: Location, problems: ProblemList
) -> None:
    if not source.is_announced:
        for field in _ANNOUNCING:
            if getattr(source, field):
                reason = "the source is not expected daily"
                _add("announcement_mismatch", located, (*steps, field), reason, problems)
    elif source.expected_from is None:
        reason = "daily from which day on is not said"
        _add("announcement_mismatch", located, (*steps, "expected"), reason, problems)
    elif source.expected_to is not None and source.expected_to <= source.expected_from:
        reason = f"it ends on {source.expected_to}, and begins on {source.expected_from}"
        _add("dates_out_of_order", located, (*steps, "expected_to"), reason, problems)


def _check_quiet_days(
    located: Located[SourcesFile], source: UsageSource, steps: Location, problems: ProblemList
) -> None:
    days = [quiet.day for quiet in source.quiet_days]
    begin, end = source.expected_from, source.expected_to
    for index, day in enumerate(days):
        place = (*steps, "quiet_days", index, "day")
        if day in days[:index]:
            _add("duplicate_key", located, place, "the day stands there already", problems)
        if begin is not None and (day < begin or (end is not None and day >= end)):
            until = f", and before {end}" if end else ""
            reason = f"usage is announced from {begin} on{until}"
            _add("quiet_day_not_announced", located, place, reason, problems)


def _add(
    code: str, located: Located[SourcesFile], place: Location, reason: str, problems: ProblemList
) -> None:
    problems.add(code, located.path, located.line(*place), f"{located.name(*place)}: {reason}.")
