"""The yardstick: a hand-written DuckDB script that parses, de-duplicates, aggregates, multiplies.

Belongs here: the least that could bill the workload's files, fully typed, in one query.
Does not belong here: anything that a bill needs besides: rejects, conflicts, corrections, checks.

Run as `python -m tests.benchmarks.hand_written FOLDER`; prints seconds and totals as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import duckdb

from tests.benchmarks.workload import PRICES

_PRICED: Final = ", ".join(
    f"('{meter_id}', cast({price} as decimal(18, 4)), {divide})"
    for meter_id, (price, divide) in PRICES.items()
)
_SCRIPT: Final = """
with events as (
    select
        source, id, any_value("type") as event_type, any_value(subject) as subject,
        any_value("time") as event_at, any_value(data) as data
    from read_json(
        '{files}',
        format = 'newline_delimited',
        columns = {{
            source: 'varchar', id: 'varchar', "type": 'varchar', subject: 'varchar',
            "time": 'timestamp',
            data: 'struct(status varchar, bytes bigint, model varchar, input_tokens bigint,
                output_tokens bigint, seconds decimal(18, 3), cores bigint)'
        }}
    )
    group by source, id
),
usage as (
    select
        subject,
        data.model as model,
        count(*) filter (
            event_type = 'api.request' and data.status not in ('500', '503')
        ) as api_calls,
        sum(data.bytes) as egress_bytes,
        sum(data.input_tokens) as input_tokens,
        sum(data.output_tokens) as output_tokens,
        sum(greatest(ceil(data.seconds), 60) * data.cores) as core_seconds
    from events
    where event_at >= '2026-10-01' and event_at < '2026-11-01'
    group by subject, model
),
metered as (
    unpivot (
        select
            subject, model, cast(api_calls as decimal(38, 0)) as api_calls,
            cast(egress_bytes as decimal(38, 0)) as egress_bytes,
            cast(input_tokens as decimal(38, 0)) as input_tokens,
            cast(output_tokens as decimal(38, 0)) as output_tokens,
            cast(core_seconds as decimal(38, 0)) as core_seconds
        from usage
    )
    on api_calls, egress_bytes, input_tokens, output_tokens, core_seconds
    into name meter_id value quantity
),
lines as (
    select
        metered.*,
        round(cast(quantity * price as decimal(38, 4)) / divide, 2) as amount
    from metered
    inner join (values {priced}) as prices (meter_id, price, divide) using (meter_id)
)
select meter_id, cast(sum(quantity) as varchar), count(*), sum(amount)
from lines
group by meter_id
order by meter_id
"""


def run(folder: Path) -> dict[str, Any]:
    """Bill the files of a folder; returns seconds, and quantities by meter as texts."""
    started = time.perf_counter()
    with duckdb.connect(config={"threads": 2}) as connection:
        rows = connection.execute(
            _SCRIPT.format(files=folder / "*.jsonl", priced=_PRICED)
        ).fetchall()
    return {
        "seconds": time.perf_counter() - started,
        "quantities": {meter_id: quantity for meter_id, quantity, _, _ in rows},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]))) + "\n")
