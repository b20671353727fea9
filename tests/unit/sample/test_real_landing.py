"""Real sets become landing files without a digit lost."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.price_book import validate_reference
from orchestration.sample.real_landing import write_real_landing
from orchestration.sample.real_sets import AZURE_FUNCTIONS, LLM_REQUESTS, SERVEGEN, RealSet
from orchestration.settings import Settings

COMMON = 'id varchar, source varchar, subject varchar, "time" timestamp_ns, "type" varchar'


def landed(real_set: RealSet, columns: str, rows: str, folder: Path) -> Settings:
    source = folder / "source"
    source.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"create table events ({COMMON}, {columns})")
        connection.execute(f"insert into events values {rows}")
        connection.execute(f"copy events to '{source / 'events.parquet'}' (format parquet)")
    settings = Settings.load(folder / "data")
    count = write_real_landing(replace(real_set, source_folder=source), settings)
    assert rows.count("2019-") + rows.count("2023-") + rows.count("2025-") == count
    return settings


def test_a_tenth_of_a_microsecond_survives(tmp_path: Path) -> None:
    settings = landed(
        LLM_REQUESTS,
        "input_tokens bigint, output_tokens bigint",
        "('c-1', '/llm/x', 'x', '2023-11-16 18:15:46.6805907', 'llm.completion', 374, 44)",
        tmp_path,
    )
    assert (
        '{"specversion":"1.0","id":"c-1","source":"/llm/x","type":"llm.completion","subject":"x",'
        '"time":"2023-11-16T18:15:46.6805907Z","data":{"input_tokens":374,"output_tokens":44}}\n'
    ) == (settings.landing_usage / "2023-11-16.jsonl").read_text()


def test_decimals_are_written_as_they_are_and_days_apart(tmp_path: Path) -> None:
    settings = landed(
        AZURE_FUNCTIONS,
        'quantity bigint, "trigger" varchar, app varchar, "function" varchar, '
        "avg_ms decimal(12, 3), avg_mb decimal(12, 3)",
        "('a', '/azure-functions/a', 'o', '2019-07-15 23:59:00', 'function.invocations', 7, "
        "'http', 'a', 'f', 0.001, 36.570), "
        "('b', '/azure-functions/a', 'o', '2019-07-16 00:00:00', 'function.invocations', 7, "
        "'http', 'a', 'f', 300504.000, 405.000)",
        tmp_path,
    )
    first = (settings.landing_usage / "2019-07-15.jsonl").read_bytes()
    second = gzip.decompress((settings.landing_usage / "2019-07-16.jsonl.gz").read_bytes())
    assert b'"avg_ms":0.001,"avg_mb":36.570}' in first
    assert b'"avg_ms":300504.000,"avg_mb":405.000}' in second
    assert Decimal("36.570") == json.loads(first, parse_float=Decimal)["data"]["avg_mb"]


def test_every_tenant_gets_a_contract_on_the_plan_of_its_model(tmp_path: Path) -> None:
    settings = landed(
        SERVEGEN,
        "quantity decimal(18, 0), unit varchar, window_s integer, model varchar, category varchar",
        "('1', '/servegen/m-mid', 'm-mid/c1', '2025-01-31', 'llm.requests', 10, 'requests', 600, "
        "'m-mid', 'language'), "
        "('2', '/servegen/mm-image', 'mm-image/c0', '2025-02-01', 'llm.requests', 10, 'requests', "
        "600, 'mm-image', 'multimodal')",
        tmp_path,
    )
    tables = settings.reference_dir / "tables"
    assert (
        "contract_id,contract_version,effective_from_date,plan_id,author\n"
        "con_0001,1,2025-01-01,m_mid,converter\n"
        "con_0002,1,2025-01-01,mm_image,converter\n"
    ) == (tables / "contract_versions.csv").read_text()
    assert [] == validate_reference(settings.reference_dir)


@pytest.mark.parametrize("real_set", [SERVEGEN, AZURE_FUNCTIONS, LLM_REQUESTS])
def test_every_compared_meter_is_in_the_price_book(real_set: RealSet) -> None:
    text = "\n".join(
        path.read_text() for path in (real_set.reference_folder / "price_book").glob("*.yml")
    )
    compared = {meter_id for figure in real_set.figures for meter_id in figure.meter_ids}
    assert [] == [meter_id for meter_id in sorted(compared) if f"id: {meter_id}" not in text]
