"""Runs every step beside freezing, signing and posting in processes of their own, to be killed.

Belongs here: what each deed does. Does not belong here: forking and killing (billing_process.py);
any expectation.

A deed is {"data_dir", "action", "options", "kill_at"}; kill_at is the number of the durable step
before which the process kills itself.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from billing_process import counted, serve
from billing_rows import NOW
from billing_world import OLIVIA, BillingWorld
from exception_house import ExceptionHouse

from orchestration.exceptions.history import keep_exceptions
from orchestration.ingest import load_usage
from orchestration.operations_db import open_operations
from orchestration.price_book import load_reference
from orchestration.price_book.event_contracts import EventContracts
from orchestration.recording import read_records, record_entries
from orchestration.reports.publication import publish
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse


def record(data_dir, options, steps):
    world = BillingWorld(data_dir)
    content = json.dumps({"author": "jonas@example.com", "records": options["records"]})
    done = record_entries(
        world.settings,
        world.engine,
        read_records("records.yml", content.encode()),
        signer=OLIVIA,
        now=NOW,
        steps=steps,
    )
    return done.register_sequence


def waive(data_dir, options, steps):
    return ExceptionHouse(BillingWorld(data_dir)).waive(steps=steps, **options).waiver_id


def load(data_dir, _options, steps):
    settings = Settings(data_dir=data_dir, settle_seconds=0, duckdb_memory_limit="512MB")
    loaded = load_usage(
        settings,
        open_operations(settings),
        contracts=EventContracts.load(settings.reference_dir / "event_contracts"),
        now=datetime(2026, 11, 21, 12, tzinfo=UTC),
        steps=steps,
    )
    return loaded.ingestion_batch_id


def refer(data_dir, _options, steps):
    settings = Settings(data_dir=data_dir)
    engine = open_operations(settings)
    return load_reference(
        settings, engine, now=NOW, author="jonas@example.com", steps=steps
    ).reference_version


def publish_marts(data_dir, options, steps):
    now = datetime.fromisoformat(options["now"])
    return publish(Settings(data_dir=data_dir), now=now, steps=steps).name


def keep(data_dir, _options, steps):
    settings = Settings(data_dir=data_dir)
    with open_warehouse(settings) as warehouse:
        return keep_exceptions(settings, warehouse, open_operations(settings), steps=steps)


def sign(data_dir, options, steps):
    return BillingWorld(data_dir).sign(steps=steps, **options).sign_off_id


ACTIONS = {
    "record": record,
    "waive": waive,
    "load": load,
    "refer": refer,
    "publish": publish_marts,
    "keep": keep,
    "sign": sign,
}


def perform(deed):
    steps = counted(deed.get("kill_at"))
    return {"done": ACTIONS[deed["action"]](Path(deed["data_dir"]), deed.get("options", {}), steps)}


if __name__ == "__main__":
    serve(perform)
