"""Whether the control totals of sources.yml can be judged: expected days, and measures.

Belongs here: what of `control_totals` is more than a single value's, and which measures can be
compared exactly with what arrived. Does not belong here: reading totals, or comparing them
(orchestration/control_totals, dbt's fct_control_totals).
"""

from typing import Final

from orchestration.price_book.models import Meter
from orchestration.price_book.policy import EVENTS_MEASURE, ControlTotals, SourcesFile
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import Located, ReferenceData
from orchestration.price_book.yaml_reader import Location

_FIELD: Final = "control_totals"


def check_control_totals(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the control totals of sources that is not a single value's."""
    if data.sources is None:
        return
    for index, source in enumerate(data.sources.item.sources):
        if source.control_totals is not None:
            steps = ("sources", index, _FIELD)
            _check_expected(data.sources, source.control_totals, steps, problems)
            _check_measures(data, data.sources, index, problems)


def is_sum_of_events(meter: Meter) -> bool:
    """Whether a meter's quantity is the sum of its events', so that days of sources add up."""
    return meter.aggregation in ("count", "sum") and meter.window_aggregation in (None, "sum")


def _check_expected(
    located: Located[SourcesFile], totals: ControlTotals, steps: Location, problems: ProblemList
) -> None:
    begin, end = totals.expected_from, totals.expected_to
    if totals.expected == "none":
        for field in ("expected_from", "expected_to"):
            if getattr(totals, field):
                reason = "no total is expected daily"
                _add("announcement_mismatch", located, (*steps, field), reason, problems)
    elif begin is None:
        reason = "daily from which day on is not said"
        _add("announcement_mismatch", located, (*steps, "expected"), reason, problems)
    elif end is not None and end <= begin:
        reason = f"it ends on {end}, and begins on {begin}"
        _add("dates_out_of_order", located, (*steps, "expected_to"), reason, problems)


def _check_measures(
    data: ReferenceData, located: Located[SourcesFile], index: int, problems: ProblemList
) -> None:
    sources = located.item.sources
    source = sources[index]
    measures = source.control_totals.measures if source.control_totals else ()
    meters = {meter.item.id: meter.item for meter in data.book.meters}
    others = [
        other.prefix
        for other in sources
        if other.system == source.system and other.prefix != source.prefix
    ]
    for number, measure in enumerate(measures):
        place = ("sources", index, _FIELD, "measures", number)
        if measure in measures[:number]:
            _add("duplicate_key", located, place, f"{measure} stands there already", problems)
        reason = None
        if measure == EVENTS_MEASURE:
            if measure in meters:
                reason = "a meter has the id events, too, so that the word says nothing"
        elif data.book.is_unknown("meter", measure):
            near = data.book.or_nearest("meter", measure)
            _add("unknown_meter", located, place, f"there is no meter {measure}{near}", problems)
        elif measure in meters and not is_sum_of_events(meters[measure]):
            reason = f"the quantity of meter {measure} is not the sum of its events'"
        elif others:
            reason = (
                f"the usage of meter {measure} is kept by system, and {others[0]} belongs to "
                f"system {source.system}, too"
            )
        if reason:
            _add("measure_not_comparable", located, place, reason, problems)


def _add(
    code: str, located: Located[SourcesFile], place: Location, reason: str, problems: ProblemList
) -> None:
    problems.add(code, located.path, located.line(*place), f"{located.name(*place)}: {reason}.")
