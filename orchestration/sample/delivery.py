"""How the sample's events reach the landing folder: when, in which file, how often, how badly.

Belongs here: delays, repeats, conflicts, bad lines, and their place in files, by the seed.
Does not belong here: the bytes of a file, which are files'; what an event counts for, which is
truth's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from orchestration.sample import company
from orchestration.sample.malformed import MAKERS
from orchestration.sample.rendering import day_text, plain_line, reformatted_line
from orchestration.sample.usage import DAY_US, Event, days_of

_MIDNIGHT_SPILL_US: Final = 4 * 60 * 1_000_000
_LATE_DAYS: Final = 3
_LATE_SHARE: Final = 0.1
_REPEATS_PER_THOUSAND: Final = 15
_EVENTS_PER_CONFLICT: Final = 6600
_EVENTS_PER_BAD_LINE_OF_A_KIND: Final = 33_000

_SUFFIXES: Final = {
    "gateway-us-east": ".jsonl",
    "gateway-eu-central": ".jsonl.gz",
    "gateway-ap-tokyo": ".jsonl.zst",
    "platform": ".jsonl",
    "workspace": ".ndjson",
}


class Row(NamedTuple):
    """One delivered line, and its event for files that have columns; a bad line has none."""

    at_us: int
    line: bytes
    event: Event | None

    @property
    def order(self) -> tuple[int, bytes]:
        """What rows of a file are sorted by."""
        return self.at_us, self.line


@dataclass
class Delivery:
    """What goes into which file, and how often each fault was made.

    Attributes:
        files: path below landing/usage to its rows, in no order yet.
        truncated: a gzip file cut short, mapped to the file that brings the whole of it later.
        conflicting: places in the list of events whose identity came with different content.
        bad_lines: malformed lines by kind.
        conflicting_rows, exact_repeats, late_events: rows of each sort.
    """

    files: dict[str, list[Row]] = field(default_factory=dict)
    truncated: dict[str, str] = field(default_factory=dict)
    conflicting: set[int] = field(default_factory=set)
    bad_lines: dict[str, int] = field(default_factory=dict)
    conflicting_rows: int = 0
    exact_repeats: int = 0
    late_events: int = 0


def deliver(events: Sequence[Event], seed: int, months: Sequence[str]) -> Delivery:
    """Place every event, its repeats and conflicts, and the bad lines into files."""
    plan = _Plan(events, seed, months)
    plan.place_events()
    plan.place_repeats()
    plan.place_conflicts()
    plan.place_bad_lines()
    plan.cut_one_file_short()
    return plan.delivery


class _Plan:
    def __init__(self, events: Sequence[Event], seed: int, months: Sequence[str]) -> None:
        self.delivery = Delivery()
        self._events = events
        self._months = months
        self._random = Random(f"{seed}:delivery")  # noqa: S311 - a sample, not a secret
        days = [f"{day:%Y-%m-%d}" for day in days_of(months)]
        last_month = [day for day in days if day.startswith(months[-1])]
        self._csv_day = days[7]
        self._parquet_day = last_month[5]
        self._truncated_day = last_month[19]
        self._late_days = {
            day
            for month in months[:-1]
            for day in [day for day in days if day.startswith(month)][-_LATE_DAYS:]
        }
        self._delivered_day: list[int] = []
        self._repeated: set[int] = set()

    def place_events(self) -> None:
        """Every event once: mostly on its day, some after midnight, some days late."""
        for event in self._events:
            day = (event.at_us + _MIDNIGHT_SPILL_US) // DAY_US
            if (
                day_text(event.at_us // DAY_US) in self._late_days
                and self._random.random() < _LATE_SHARE
            ):
                day += 3 + int(self._random.random() * 10)
            if day_text(day)[:7] != day_text(event.at_us // DAY_US)[:7]:
                self.delivery.late_events += 1
            self._delivered_day.append(day)
            self._add(event, day, plain_line(event))

    def place_repeats(self) -> None:
        """Some events come again, up to two days later; every second one in other clothes."""
        count = len(self._events) * _REPEATS_PER_THOUSAND // 1000
        for number in range(count):
            place = int(self._random.random() * len(self._events))
            event = self._events[place]
            day = self._delivered_day[place] + int(self._random.random() * 3)
            line = reformatted_line(event, number % 4 // 2) if number % 2 else plain_line(event)
            self._add(event, day, line)
            self.delivery.exact_repeats += 1
            self._repeated.add(place)

    def place_conflicts(self) -> None:
        """Some identities of a few customers come with other content, one in six with a third."""
        wanted = max(2, len(self._events) // _EVENTS_PER_CONFLICT)
        subjects = {
            company.external_id(system_id, slug)
            for slug in company.CONFLICTED_SLUGS
            for system_id in company.SYSTEMS
        }
        places = [at for at, event in enumerate(self._events) if event.subject in subjects]
        while len(self.delivery.conflicting) < wanted:
            place = places[int(self._random.random() * len(places))]
            if place in self.delivery.conflicting or place in self._repeated:
                continue
            event = self._events[place]
            variants = 2 if len(self.delivery.conflicting) % 6 == 0 else 1
            for variant in range(1, variants + 1):
                day = self._delivered_day[place] + int(self._random.random() * 4)
                self._add(event, day, plain_line(_altered(event, variant)))
            self.delivery.conflicting.add(place)
            self.delivery.conflicting_rows += 1 + variants

    def place_bad_lines(self) -> None:
        """The same small number of lines of every kind; of the oversized ones only one."""
        each = max(1, len(self._events) // _EVENTS_PER_BAD_LINE_OF_A_KIND)
        models = [event for event in self._events if event.event_type == "llm.completion"]
        for kind, spoil in MAKERS.items():
            count = 1 if kind == "line_too_long" else each
            for _ in range(count):
                model = models[int(self._random.random() * len(models))]
                spoiled = model._replace(event_id=f"llm-{self._random.getrandbits(80):020x}")
                path = self._path(spoiled, spoiled.at_us // DAY_US)
                row = Row(spoiled.at_us, spoil(spoiled), None)
                self.delivery.files.setdefault(path, []).append(row)
            self.delivery.bad_lines[kind] = count

    def cut_one_file_short(self) -> None:
        """One compressed file arrives cut short, and whole the day after under another name."""
        path = f"{self._truncated_day}/gateway-eu-central.jsonl.gz"
        rows = self.delivery.files.pop(path, None)
        if rows is not None:
            whole = path.replace(".jsonl.gz", "-sent-again.jsonl.gz")
            self.delivery.files[whole] = rows
            self.delivery.truncated[path] = whole

    def _add(self, event: Event, day: int, line: str) -> None:
        row = Row(event.at_us, line.encode(), event)
        self.delivery.files.setdefault(self._path(event, day), []).append(row)

    def _path(self, event: Event, epoch_day: int) -> str:
        day = day_text(epoch_day)
        is_gateway = event.system_id == "gateway"
        stem = event.source.strip("/").replace("/", "-") if is_gateway else event.system_id
        suffix = _SUFFIXES[stem]
        if stem == "workspace" and day == self._csv_day:
            suffix = ".csv"
        elif stem == "platform" and day == self._parquet_day:
            suffix = ".parquet"
        return f"{day}/{stem}{suffix}"


def _altered(event: Event, variant: int) -> Event:
    """The same identity, with a number raised, or a person renamed where there is no number."""
    name, value = event.data[-1] if event.event_type != "seat.active" else event.data[0]
    if isinstance(value, bool):
        name, value = event.data[-2]
    raised = f"{value}-{variant}" if isinstance(value, str) else value + variant
    data = tuple((key, raised if key == name else old) for key, old in event.data)
    return event._replace(data=data)
