"""The real event sets: how each becomes events, and which of its expected figures is which of ours.

Belongs here: per set, its columns and figures as data and small SQL expressions.
Does not belong here: running or comparing anything; the sets' prices, which are YAML in tests/real.

Each set's origin, licence and meaning stand in its own SOURCE.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from orchestration.settings import PROJECT_ROOT

SHARED_DATA: Final = PROJECT_ROOT.parent / "shared" / "data"
REFERENCES: Final = PROJECT_ROOT / "tests" / "real"

Column = Literal["event_count", "quantity", "priced_quantity", "amount_unrounded"]


@dataclass(frozen=True)
class Figure:
    """One expected figure per tenant and month.

    Attributes:
        name: what it is called in the report.
        meter_ids: the meters whose rated lines add up to it.
        column: the column of fct_rated_lines that adds up to it.
        scale: decimals that the expected file keeps; ours are rounded to it, half away from zero.
        expected: SQL expression over the expected file's columns, all of them text.
        condition: SQL condition for rows of the expected file that state this figure.
        is_additive: whether the days of a month add up to it, so that metered usage can be
            compared too.
    """

    name: str
    meter_ids: tuple[str, ...]
    column: Column
    scale: int
    expected: str
    condition: str = "true"
    is_additive: bool = True


@dataclass(frozen=True)
class RealSet:
    """One set of real usage.

    Attributes:
        name: what it is called, on the command line too.
        source_folder: where events.parquet and expected_totals.csv lie.
        reference_folder: the committed part of its reference folder: price book, event contracts,
            sources, policy; the tables are made from the tenants in the data.
        system_id: the system that its tenants are identified in.
        start_date, end_date: of its contracts; end_date is exclusive.
        months: its UTC months, YYYY-MM.
        plan_id: SQL expression over subject: the plan of the tenant's contract.
        time_text: SQL expression over time: RFC 3339 with zone.
        data: JSON name to SQL expression of the value's JSON text.
        figures: what is compared.
    """

    name: str
    source_folder: Path
    reference_folder: Path
    system_id: str
    start_date: str
    end_date: str
    months: tuple[str, ...]
    plan_id: str
    time_text: str
    data: Mapping[str, str]
    figures: tuple[Figure, ...]


def _quoted(column: str) -> str:
    return f"cast(to_json({column}) as varchar)"


def _number(column: str) -> str:
    return f"cast({column} as varchar)"


_MICROSECONDS: Final = "strftime(\"time\", '%Y-%m-%dT%H:%M:%S.%fZ')"
_TENTHS_OF_MICROSECONDS: Final = (
    "left(strftime(\"time\", '%Y-%m-%dT%H:%M:%S.%n'), 27) || 'Z'"  # the clock that Azure logs with
)

_MODELS: Final = ("m_large", "m_mid", "m_small", "deepseek_r1", "mm_image")
_SERVEGEN_METERS: Final = {
    "llm.requests": tuple(f"{model}_requests" for model in _MODELS),
    "llm.input_tokens": tuple(f"{model}_input_tokens" for model in _MODELS[:-1]),
    "llm.output_tokens": tuple(f"{model}_output_tokens" for model in _MODELS),
    "llm.text_tokens": ("mm_image_text_tokens",),
    "llm.image_count": ("mm_image_images",),
}
_SERVEGEN_COLUMNS: Final[tuple[tuple[str, Column, int, str], ...]] = (
    ("events", "event_count", 0, "events"),
    ("quantity", "quantity", 0, "quantity"),
    ("USD", "amount_unrounded", 8, "coalesce(amount_usd, '0')"),
)

SERVEGEN: Final = RealSet(
    name="servegen_llm_clients",
    source_folder=SHARED_DATA / "servegen_llm_clients",
    reference_folder=REFERENCES / "servegen_llm_clients" / "reference",
    system_id="model_studio",
    start_date="2025-01-01",
    end_date="2025-03-01",
    months=("2025-01", "2025-02"),
    plan_id="replace(split_part(subject, '/', 1), '-', '_')",
    time_text=_MICROSECONDS,
    data={
        "quantity": _number("quantity"),
        "unit": _quoted("unit"),
        "window_s": _number("window_s"),
        "model": _quoted("model"),
        "category": _quoted("category"),
    },
    figures=tuple(
        Figure(
            name=f"{meter} {label}",
            meter_ids=meter_ids,
            column=column,
            scale=scale,
            expected=expected,
            condition=f"meter = '{meter}'",
        )
        for meter, meter_ids in _SERVEGEN_METERS.items()
        for label, column, scale, expected in _SERVEGEN_COLUMNS
    ),
)

AZURE_FUNCTIONS: Final = RealSet(
    name="azure_functions_2019_500",
    source_folder=SHARED_DATA / "azure_functions_2019_500",
    reference_folder=REFERENCES / "azure_functions_2019_500" / "reference",
    system_id="functions",
    start_date="2019-07-01",
    end_date="2019-08-01",
    months=("2019-07",),
    plan_id="'consumption'",
    time_text=_MICROSECONDS,
    data={
        "quantity": _number("quantity"),
        "trigger": _quoted('"trigger"'),
        "app": _quoted("app"),
        "function": _quoted('"function"'),
        "avg_ms": _number("avg_ms"),
        "avg_mb": _number("avg_mb"),
    },
    figures=(
        Figure("minute cells", ("invocations",), "event_count", 0, "minute_cells"),
        Figure("functions", ("functions",), "quantity", 0, "functions", is_additive=False),
        Figure("invocations", ("invocations",), "quantity", 0, "invocations"),
        Figure("MB-ms", ("mb_ms",), "quantity", 0, "mb_ms"),
        Figure("GB-s", ("mb_ms",), "priced_quantity", 6, "gb_s"),
        Figure("executions USD", ("invocations",), "amount_unrounded", 8, "exec_usd"),
        Figure("execution time USD", ("mb_ms",), "amount_unrounded", 8, "compute_usd"),
        Figure(
            "executions after grant USD",
            ("invocations_after_grant",),
            "amount_unrounded",
            8,
            "exec_usd_after_free_1m",
        ),
        Figure(
            "execution time after grant USD",
            ("mb_ms_after_grant",),
            "amount_unrounded",
            8,
            "greatest(cast(gb_s as decimal(18, 6)) - 400000, 0) * cast(0.000016 as decimal(9, 6))",
        ),
    ),
)

LLM_REQUESTS: Final = RealSet(
    name="llm_requests_azure2023_mooncake",
    source_folder=SHARED_DATA / "llm_requests_azure2023_mooncake",
    reference_folder=REFERENCES / "llm_requests_azure2023_mooncake" / "reference",
    system_id="llm",
    start_date="2023-11-01",
    end_date="2024-07-01",
    months=("2023-11", "2024-06"),
    plan_id="'list'",
    time_text=_TENTHS_OF_MICROSECONDS,
    data={"input_tokens": _number("input_tokens"), "output_tokens": _number("output_tokens")},
    figures=(
        Figure("requests", ("requests",), "quantity", 0, "requests"),
        Figure("input tokens", ("input_tokens",), "quantity", 0, "input_tokens"),
        Figure("output tokens", ("output_tokens",), "quantity", 0, "output_tokens"),
        Figure(
            "USD",
            ("requests", "input_tokens", "output_tokens"),
            "amount_unrounded",
            8,
            "usd_at_2_50_10_00",
        ),
    ),
)

REAL_SETS: Final = {
    real_set.name: real_set for real_set in (SERVEGEN, AZURE_FUNCTIONS, LLM_REQUESTS)
}
