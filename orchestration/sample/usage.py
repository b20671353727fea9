"""The sample's usage events: who did what, when, by a seed.

Belongs here: drawing events, in whole numbers and from random() and getrandbits() alone, which
Python promises to keep, so that a seed gives the same events on every machine.
Does not belong here: how and when an event is delivered, which is delivery's; what it counts for,
which is truth's.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from orchestration.sample import company

JsonScalar = str | int | bool | Decimal

SCHEMA_BASE: Final = "https://schemas.brightloop.example"
DAY_US: Final = 86_400_000_000
_HOUR_US: Final = 3_600_000_000

# Shares of the events by type, in thousandths.
SHARES: Final = {
    "api.request": 560,
    "llm.completion": 230,
    "storage.snapshot": 50,
    "compute.job": 70,
    "seat.active": 90,
}
_WEEKDAY_WEIGHTS: Final = (100, 106, 108, 104, 92, 38, 31)
_HOUR_WEIGHTS: Final = (
    *(9, 7, 6, 6, 8, 14, 26, 48, 82, 104, 112, 108),
    *(84, 98, 110, 106, 96, 78, 54, 40, 32, 26, 19, 13),
)
_UTC_OFFSET_HOURS: Final = {
    "America/New_York": -4,
    "Europe/Berlin": 2,
    "Asia/Tokyo": 9,
    "Asia/Kolkata": 5,
    "UTC": 0,
}
_ROUTES: Final = ("/v1/documents", "/v1/checks", "/v1/search", "/v1/exports", "/v1/webhooks")
_STATUSES: Final = ("200", "201", "204", "404", "422", "429", "500", "503")
_STATUS_WEIGHTS: Final = (780, 90, 40, 35, 20, 18, 10, 7)
_CACHED_BELOW: Final = 300
_LARGE_SHARE: Final = 0.35
_MACHINES: Final = (("s4", 4, 8), ("m8", 8, 32), ("l16", 16, 64), ("x32", 32, 256))
_MACHINE_WEIGHTS: Final = (60, 28, 9, 3)
_PLANS_WITH_COMPUTE: Final = ("growth", "enterprise")
_SECOND_CONTRACT_FROM: Final = date(2026, 10, 1)

# The region whose gateway speaks the second version of the contract from October on.
_EARLY_REGION: Final = "eu-central"

# A starter plan has no price for compute: this customer's jobs turn up as exceptions.
UNPRICED_SLUG: Final = "driftwood"
# Trial tenants that nobody mapped to a customer: system to external id.
UNMAPPED: Final = {"gateway": "tenant-helios-trial", "platform": "acct-999017"}
_UNMAPPED_WEIGHT: Final = 2


class Event(NamedTuple):
    """One usage event as the product system knows it; at_us is microseconds since 1970 in UTC."""

    event_id: str
    source: str
    event_type: str
    subject: str
    at_us: int
    dataschema: str | None
    data: tuple[tuple[str, JsonScalar], ...]
    time_zone: str
    system_id: str


class Sender(NamedTuple):
    """Somebody who sends events of a type, from an instant on, in microseconds since 1970."""

    slug: str
    subject: str
    region: str
    time_zone: str
    weight: int
    starts_at_us: int


class Choice:
    """A weighted choice by one random number; the weights are whole numbers."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._bounds = list(accumulate(weights))

    def draw(self, random: Random) -> int:
        """The index that the next random number picks."""
        return bisect_right(self._bounds, int(random.random() * self._bounds[-1]))


def days_of(months: Sequence[str]) -> list[date]:
    """Every UTC day of the months, each written YYYY-MM, in order."""
    days = []
    for month in months:
        day = date.fromisoformat(f"{month}-01")
        first_month = day.month
        while day.month == first_month:
            days.append(day)
            day += timedelta(days=1)
    return days


def draw_events(seed: int, event_count: int, months: Sequence[str]) -> list[Event]:
    """Draw event_count distinct events over the months, by type, then by day and customer."""
    days = days_of(months)
    events: list[Event] = []
    left = event_count
    for place, (event_type, share) in enumerate(SHARES.items(), start=1):
        count = left if place == len(SHARES) else event_count * share // 1000
        left -= count
        random = Random(f"{seed}:{event_type}")  # noqa: S311 - a sample, not a secret
        events.extend(_draw_type(random, event_type, count, days))
    return events


def _draw_type(
    random: Random, event_type: str, count: int, days: Sequence[date]
) -> Iterator[Event]:
    senders = _senders(event_type)
    day_choice = Choice([_day_weight(day) for day in days])
    hour_choice = Choice(_HOUR_WEIGHTS)
    sender_choice = Choice([sender.weight for sender in senders])
    draw_data = _DATA_BY_TYPE[event_type]
    system_id = _SYSTEM_BY_TYPE[event_type]
    prefix = _ID_PREFIX[event_type]
    epoch_days = [(day - date(1970, 1, 1)).days for day in days]
    drawn = 0
    while drawn < count:
        sender = senders[sender_choice.draw(random)]
        epoch_day = epoch_days[day_choice.draw(random)]
        hour = (hour_choice.draw(random) - _UTC_OFFSET_HOURS[sender.time_zone]) % 24
        millisecond = int(random.random() * 3_600_000)
        at_us = epoch_day * DAY_US + hour * _HOUR_US + millisecond * 1000
        if at_us < sender.starts_at_us:
            continue
        data = draw_data(random, sender, epoch_day)
        yield Event(
            event_id=f"{prefix}{random.getrandbits(80):020x}",
            source=f"/{system_id}/{sender.region}",
            event_type=event_type,
            subject=sender.subject,
            at_us=at_us,
            dataschema=_dataschema(event_type, data),
            data=data,
            time_zone=sender.time_zone,
            system_id=system_id,
        )
        drawn += 1


def _day_weight(day: date) -> int:
    """Weekdays weigh more, and the business grows by a tenth in a month."""
    return _WEEKDAY_WEIGHTS[day.weekday()] * (1000 + 3 * (day - date(2026, 9, 1)).days)


def _senders(event_type: str) -> list[Sender]:
    """Who sends events of the type, and from when to when: compute only where it is sold."""
    system_id = _SYSTEM_BY_TYPE[event_type]
    senders = []
    for customer in company.CUSTOMERS:
        start_date = customer.start_date
        if event_type == "compute.job" and customer.slug != UNPRICED_SLUG:
            plan_starts = {customer.plan_id: customer.start_date} | {
                change.plan_id: change.effective_from_date
                for change in company.AMENDMENTS
                if change.slug == customer.slug
            }
            starts = [plan_starts[plan] for plan in _PLANS_WITH_COMPUTE if plan in plan_starts]
            if not starts:
                continue
            start_date = min(starts)
        senders.append(
            Sender(
                slug=customer.slug,
                subject=company.external_id(system_id, customer.slug),
                region=company.ENTITY_BY_ID[customer.legal_entity_id].region,
                time_zone=company.contract_zone(customer),
                weight=customer.weight,
                starts_at_us=local_midnight(start_date, company.contract_zone(customer)),
            )
        )
    if system_id in UNMAPPED:
        senders.append(
            Sender(
                slug="",
                subject=UNMAPPED[system_id],
                region="us-east",
                time_zone="UTC",
                weight=_UNMAPPED_WEIGHT,
                starts_at_us=0,
            )
        )
    return senders


def _dataschema(event_type: str, data: tuple[tuple[str, JsonScalar], ...]) -> str | None:
    """The gateway's older events do not say their contract; all others do."""
    if event_type != "api.request":
        return f"{SCHEMA_BASE}/{event_type}/1"
    return f"{SCHEMA_BASE}/{event_type}/2" if data[-1][0] == "is_cached" else None


def _api_data(random: Random, sender: Sender, epoch_day: int) -> tuple[tuple[str, JsonScalar], ...]:
    size = int(random.random() * 1000)
    data: tuple[tuple[str, JsonScalar], ...] = (
        ("route", _ROUTES[int(random.random() * len(_ROUTES))]),
        ("status", _STATUSES[_STATUS_CHOICE.draw(random)]),
        ("region", sender.region),
        ("response_bytes", 900 + size * size * 41 + int(random.random() * 4096)),
    )
    if sender.region == _EARLY_REGION and epoch_day >= _EARLY_FROM_DAY:
        return (*data, ("is_cached", size < _CACHED_BELOW))
    return data


def _llm_data(random: Random, sender: Sender, epoch_day: int) -> tuple[tuple[str, JsonScalar], ...]:
    del sender, epoch_day  # every customer sends batches of the same shape
    is_large = random.random() < _LARGE_SHARE
    pages = 1 + int(random.random() * 160)
    return (
        ("model", "atlas-large" if is_large else "atlas-small"),
        ("input_tokens", pages * 1100 + int(random.random() * 900)),
        ("output_tokens", 40 + pages * 60 + int(random.random() * 700)),
    )


def _storage_data(
    random: Random, sender: Sender, epoch_day: int
) -> tuple[tuple[str, JsonScalar], ...]:
    grown = max(0, epoch_day - _EARLY_FROM_DAY + 120)
    megabytes = sender.weight * (41_000 + 180 * grown) + int(random.random() * 2_000_000)
    return (("gb", _thousandths(megabytes)),)


def _compute_data(
    random: Random, sender: Sender, epoch_day: int
) -> tuple[tuple[str, JsonScalar], ...]:
    del sender, epoch_day  # every customer runs jobs of the same shape
    machine, cores, memory_gb = _MACHINES[_MACHINE_CHOICE.draw(random)]
    length = int(random.random() * 1000)
    used = 1 + int(random.random() * 1000)
    return (
        ("machine", machine),
        ("cores", cores),
        ("seconds", _thousandths(1500 + length * length * 6 + int(random.random() * 1000))),
        ("memory_gb", _thousandths(memory_gb * used)),
    )


def _seat_data(
    random: Random, sender: Sender, epoch_day: int
) -> tuple[tuple[str, JsonScalar], ...]:
    del epoch_day  # people come and go evenly
    person = int(random.random() * (4 + sender.weight * 3))
    role = "admin" if person % 17 == 0 else "viewer" if person % 5 == 0 else "editor"
    return (("user_id", f"u-{sender.slug}-{person:04d}"), ("role", role))


def _thousandths(count: int) -> Decimal:
    return Decimal(count).scaleb(-3)


def month_starts(time_zone: str, months: Sequence[str]) -> list[tuple[int, str]]:
    """Where each local month begins, in microseconds since 1970, one month around included."""
    first = date.fromisoformat(f"{months[0]}-01") - timedelta(days=1)
    last = date.fromisoformat(f"{months[-1]}-01") + timedelta(days=31)
    names = [f"{first:%Y-%m}", *months, f"{last:%Y-%m}"]
    return [(local_midnight(f"{name}-01", time_zone), name) for name in names]


def local_midnight(day: str, time_zone: str) -> int:
    """When a day, YYYY-MM-DD, begins in a time zone, in microseconds since 1970."""
    instant = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(time_zone))
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


_EARLY_FROM_DAY: Final = (_SECOND_CONTRACT_FROM - date(1970, 1, 1)).days
_STATUS_CHOICE: Final = Choice(_STATUS_WEIGHTS)
_MACHINE_CHOICE: Final = Choice(_MACHINE_WEIGHTS)
_SYSTEM_BY_TYPE: Final = {
    "api.request": "gateway",
    "llm.completion": "gateway",
    "storage.snapshot": "platform",
    "compute.job": "platform",
    "seat.active": "workspace",
}
_ID_PREFIX: Final = {
    "api.request": "req-",
    "llm.completion": "llm-",
    "storage.snapshot": "snap-",
    "compute.job": "job-",
    "seat.active": "seat-",
}
_DATA_BY_TYPE: Final[
    dict[str, Callable[[Random, Sender, int], tuple[tuple[str, JsonScalar], ...]]]
] = {
    "api.request": _api_data,
    "llm.completion": _llm_data,
    "storage.snapshot": _storage_data,
    "compute.job": _compute_data,
    "seat.active": _seat_data,
}
