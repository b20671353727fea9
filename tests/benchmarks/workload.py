"""Usage for the benchmarks, made as fast as files can be written: the same for a size, every time.

Belongs here: events by arithmetic in DuckDB, and the small company that they are billed to.
Does not belong here: measuring; realism beyond what costs time (ids, three event types, repeats).
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import duckdb

BILLING_PERIOD: Final = "2026-10"
FIRST_DAY: Final = date(2026, 10, 1)
DAYS: Final = 31
TENANTS: Final = 400
# Every so many events one comes again with the next day's file.
EVENTS_PER_REPEAT: Final = 200
_DAY_US: Final = 86_400_000_000
_SETTLED_SECONDS: Final = 3600
# Characters that no line holds, so that COPY quotes nothing.
_COPY_AS_TEXT: Final = "(format csv, header false, delimiter '\x01', quote '\x02', escape '\x02')"

# Price per unit in USD, and by how much the metered quantity is divided first.
PRICES: Final = {
    "api_calls": ("0.0004", 1),
    "egress_bytes": ("0.08", 1_000_000_000),
    "input_tokens": ("2.50", 1_000_000),
    "output_tokens": ("10.00", 1_000_000),
    "core_seconds": ("0.31", 3600),
}

_METERS: Final = """\
meters:
  - id: api_calls
    unit: call
    event_types: [api.request]
    aggregation: count
    filters: [{property: status, not_in: ["500", "503"]}]
  - {id: egress_bytes, unit: byte, event_types: [api.request], aggregation: sum, value: bytes}
  - {id: input_tokens, unit: token, event_types: [llm.completion], aggregation: sum,
     value: input_tokens, dimensions: [model]}
  - {id: output_tokens, unit: token, event_types: [llm.completion], aggregation: sum,
     value: output_tokens, dimensions: [model]}
  - id: core_seconds
    unit: core-second
    event_types: [compute.job]
    aggregation: sum
    value: [{property: seconds, minimum: 60, round_up_to: 1}, {property: cores}]

products:
  - {id: usage, name: Usage, erp_item: USAGE, revenue_account: "4000"}
"""
_WHOLE: Final[dict[str, object]] = {"type": "integer", "minimum": 0}
_CONTRACTS: Final[dict[str, dict[str, dict[str, object]]]] = {
    "api.request": {"status": {"type": "string"}, "region": {"type": "string"}, "bytes": _WHOLE},
    "llm.completion": {
        "model": {"type": "string"},
        "input_tokens": _WHOLE,
        "output_tokens": _WHOLE,
    },
    "compute.job": {
        "seconds": {"type": "number", "minimum": 0},
        "cores": {"type": "integer", "minimum": 1},
    },
}
_POLICY: Final = """\
sign_off:
  four_eyes: false
  approvers:
    - {name: nobody@example.com, legal_entities: all, up_to_amount: {USD: "0"}}
"""


def write_reference(folder: Path) -> None:
    """Write a reference folder of 400 tenants on one plan, in USD and UTC."""
    texts = {
        "price_book/meters.yml": _METERS,
        "price_book/plan.yml": _plan(),
        "sources.yml": "sources:\n  - {prefix: /gateway/, system: gateway}\n",
        "policy.yml": _POLICY,
        "tables/legal_entities.csv": (
            "legal_entity_id,legal_entity_name,country_code,functional_currency_code,time_zone\n"
            "inc,Bench Inc.,US,USD,UTC\n"
        ),
        "tables/customers.csv": (
            "customer_id,customer_name,parent_customer_id,bill_to_customer_id,segment,region,"
            "erp_customer_number,crm_account_id\n"
            + "".join(f"c{n},Customer {n},,,,,N{n},A{n}\n" for n in range(TENANTS))
        ),
        "tables/identities.csv": (
            "system_id,external_id,customer_id,valid_from_at,valid_to_at,author\n"
            + "".join(
                f"gateway,tenant-{n:04d},c{n},2020-01-01T00:00:00Z,,bench\n" for n in range(TENANTS)
            )
        ),
        "tables/contracts.csv": (
            "contract_id,contract_lineage_id,customer_id,legal_entity_id,currency_code,time_zone,"
            "billing_cadence,billing_anchor_day,start_date,end_date,tax_profile,purchase_order,"
            "author\n"
            + "".join(
                f"k{n},l{n},c{n},inc,USD,UTC,monthly,1,2026-10-01,2026-11-01,none,,bench\n"
                for n in range(TENANTS)
            )
        ),
        "tables/contract_versions.csv": (
            "contract_id,contract_version,effective_from_date,plan_id,author\n"
            + "".join(f"k{n},1,2026-10-01,list,bench\n" for n in range(TENANTS))
        ),
        "tables/overrides.csv": (
            "override_id,contract_id,charge_id,effective_from_date,effective_to_date,"
            "currency_code,price_json,author\n"
        ),
        "tables/exchange_rates.csv": "rate_date,from_currency_code,to_currency_code,rate\n",
        "tables/credit_grants.csv": (
            "credit_grant_id,contract_id,kind,amount,currency_code,priority,starts_on,expires_on,"
            "cost_basis,scope\n"
        ),
    }
    for event_type, properties in _CONTRACTS.items():
        texts[f"event_contracts/{event_type}/1.json"] = json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": f"https://example.com/bench/{event_type}/1",
                "type": "object",
                "properties": properties,
                "required": sorted(properties),
                "additionalProperties": False,
            }
        )
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _plan() -> str:
    charges = [
        f"      - id: {meter_id}\n        product: usage\n        meter: {meter_id}\n"
        f"        model: per_unit\n        convert: {{divide: {divide}, unit: priced unit}}\n"
        "        versions:\n          - {effective_from: 2026-01-01, prices: "
        f'{{USD: {{unit_price: "{price}"}}}}}}\n'
        for meter_id, (price, divide) in PRICES.items()
    ]
    return "plans:\n  - id: list\n    name: List\n    charges:\n" + "".join(charges)


@dataclass(frozen=True)
class Day:
    """The events numbered [first, first + count), spread over a day that is counted from 0."""

    number: int
    first: int
    count: int

    @property
    def selected(self) -> str:
        """SQL: what the events' arithmetic needs to know of the day."""
        return f"{self.number} as day, {self.first} as first, {self.count} as of_day"


def month_of(event_count: int) -> list[Day]:
    """Thirty-one days of nearly equal size."""
    days = []
    first = 0
    for number in range(DAYS):
        count = event_count // DAYS + (number < event_count % DAYS)
        days.append(Day(number, first, count))
        first += count
    return days


def write_usage(folder: Path, days: Sequence[Day]) -> list[Path]:
    """Write one file a day; every 200th event comes again with the next day's file."""
    before = [None, *days]
    return [
        write_day(folder, day, repeating=previous)
        for previous, day in zip(before, days, strict=False)
    ]


def write_day(folder: Path, day: Day, *, repeating: Day | None) -> Path:
    """Write a day's file, with one in 200 events of the day `repeating` again at its end."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{FIRST_DAY + timedelta(days=day.number)}.jsonl"
    numbered = f"select number, {day.selected} from {_range(day)}"
    if repeating:
        numbered += (
            f" union all select number, {repeating.selected} from {_range(repeating)} "
            f"where number % {EVENTS_PER_REPEAT} = 0"
        )
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f"copy (with numbered as ({numbered}), {_EVENTS} select line from lines) "
            f"to '{path}' {_COPY_AS_TEXT}"
        )
    settled = time.time() - _SETTLED_SECONDS
    os.utime(path, (settled, settled))
    return path


def _range(day: Day) -> str:
    return f"range({day.first}, {day.first + day.count}) as numbers (number)"


_EPOCH_US: Final = (FIRST_DAY - date(1970, 1, 1)).days * _DAY_US
# An event is a function of its number; the multipliers are odd, so that low bits vary too.
_EVENTS: Final = f"""
mixed as (
    select
        number,
        number * 2654435761 % 4294967296 as mix_1,
        (number * 2246822519 + 374761393) % 4294967296 as mix_2,
        {_EPOCH_US} + day * {_DAY_US}
            + (number - first) * {_DAY_US} // greatest(of_day, 1) as at_us
    from numbered
),
drawn as (
    select
        *,
        (mix_1 >> 8) % 100 as kind,
        ((mix_2 >> 16) * (mix_2 >> 16) * {TENANTS}) >> 32 as tenant,
        (mix_1 >> 5) % 65536 as size
    from mixed
),
lines as (
    select
        '{{"specversion":"1.0","id":"' || left(md5(cast(number as varchar)), 26)
        || '","source":"/gateway/' || ['us', 'eu', 'ap'][1 + mix_2 % 3]
        || '","type":"' || case
            when kind < 60 then 'api.request' when kind < 90 then 'llm.completion'
            else 'compute.job'
        end
        || '","subject":"tenant-' || lpad(cast(tenant as varchar), 4, '0')
        || '","time":"' || strftime(make_timestamp(at_us), '%Y-%m-%dT%H:%M:%S.%gZ')
        || '","data":{{' || case
            when kind < 60 then
                '"status":"' || ['200', '200', '200', '201', '404', '500'][1 + size % 6]
                || '","region":"' || ['us-east', 'eu-central', 'ap-tokyo'][1 + mix_2 % 3]
                || '","bytes":' || cast(size * 17 + 200 as varchar)
            when kind < 90 then
                '"model":"' || ['atlas-large', 'atlas-small'][1 + size % 2]
                || '","input_tokens":' || cast(size + 40 as varchar)
                || ',"output_tokens":' || cast(size // 9 + 1 as varchar)
            else
                '"seconds":' || cast(size // 20 as varchar)
                || '.' || lpad(cast(size % 1000 as varchar), 3, '0')
                || ',"cores":' || cast(1 + size % 16 as varchar)
        end || '}}}}' as line
    from drawn
)
"""
