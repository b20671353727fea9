"""Writing the whole sample into a data directory: reference folder, usage files, truth.

Belongs here: the order of the steps, and the refusal to mix the sample with anything else.
Does not belong here: what the sample holds; loading it, which is the pipeline's.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from orchestration.failures import InputError, RefusedError
from orchestration.sample.company_tables import tables
from orchestration.sample.delivery import deliver
from orchestration.sample.files import write_files
from orchestration.sample.truth import compute_truth
from orchestration.sample.usage import days_of, draw_events
from orchestration.settings import PROJECT_ROOT, Settings

DEFAULT_SEED: Final = 20260901
DEFAULT_EVENT_COUNT: Final = 200_000
DEFAULT_MONTHS: Final = ("2026-09", "2026-10")
SAMPLE_REFERENCE: Final = PROJECT_ROOT / "data" / "sample" / "reference"
TRUTH_FILE: Final = "sample_truth.json"
_FEWEST_EVENTS: Final = 1000
_FIRST_MONTH: Final = "2026-09"


class SampleRefusedError(RefusedError):
    """The data directory holds something else than this very sample."""

    code = "sample_would_mix"


class SampleSizeError(InputError):
    """The sample cannot be made that small, or in those months."""

    code = "sample_size_invalid"


@dataclass(frozen=True)
class Sample:
    """What was written.

    Attributes:
        reference: the reference folder. usage: the folder of usage files.
        files: every usage file, in order. truth_file: the figures to compare with, as JSON.
        truth: the same, read.
    """

    reference: Path
    usage: Path
    files: tuple[Path, ...]
    truth_file: Path
    truth: dict[str, Any]


def write_sample(
    target: Settings | Path,
    *,
    seed: int = DEFAULT_SEED,
    event_count: int = DEFAULT_EVENT_COUNT,
    months: Sequence[str] = DEFAULT_MONTHS,
) -> Sample:
    """Write the sample; the same seed, count and months give the same bytes on every machine.

    event_count counts distinct events: repeats, conflicts and bad lines come on top. months are
    consecutive, as YYYY-MM. The same call again rewrites the same files.

    Raises:
        SampleRefusedError: the landing folder has usage that is not this sample's.
        SampleSizeError: fewer than a thousand events, or months before the contracts.
    """
    if event_count < _FEWEST_EVENTS or not months or min(months) < _FIRST_MONTH:
        raise SampleSizeError(
            f"Tried to make a sample of {event_count} events in {', '.join(months) or 'no month'}: "
            f"it needs at least {_FEWEST_EVENTS} events, and months from {_FIRST_MONTH} on, when "
            "the customers have contracts."
        )
    settings = target if isinstance(target, Settings) else Settings.load(target)
    made_of = {"seed": seed, "event_count": event_count, "months": list(months)}
    truth_file = settings.data_dir / TRUTH_FILE
    _refuse_to_mix(settings, truth_file, made_of)

    reference = settings.data_dir / "landing" / "reference"
    write_reference(reference, months)
    events = draw_events(seed, event_count, months)
    delivery = deliver(events, seed, months)
    truth = made_of | compute_truth(events, delivery, months)
    truth_file.parent.mkdir(parents=True, exist_ok=True)
    truth_file.write_text(truth_text(truth), encoding="utf-8")
    files = write_files(settings.landing_usage, delivery, now_seconds=time.time())
    return Sample(reference, settings.landing_usage, tuple(files), truth_file, truth)


def write_reference(folder: Path, months: Sequence[str] = DEFAULT_MONTHS) -> None:
    """Write the sample company's reference folder; it depends on no seed.

    The tables follow from the cast. Price book, event contracts, sources and policy are written by
    hand, in data/sample/reference, and copied from there; months, as YYYY-MM, are those in which
    sources.yml announces usage.
    """
    texts = {f"tables/{name}.csv": text for name, text in tables().items()}
    for path in (*SAMPLE_REFERENCE.rglob("*.yml"), *SAMPLE_REFERENCE.rglob("*.json")):
        name = path.relative_to(SAMPLE_REFERENCE).as_posix()
        texts[name] = path.read_text(encoding="utf-8")
    texts["sources.yml"] = _announced_in(months, texts["sources.yml"])
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _announced_in(months: Sequence[str], sources: str) -> str:
    """sources.yml with its announcement moved from the default months to others."""
    for field, written, wanted in zip(
        ("expected_from", "expected_to"), _span_of(DEFAULT_MONTHS), _span_of(months), strict=True
    ):
        sources = sources.replace(f"{field}: {written}", f"{field}: {wanted}")
    return sources


def _span_of(months: Sequence[str]) -> tuple[date, date]:
    """The first day of the months, and the first day after them."""
    days = days_of(months)
    return days[0], days[-1] + timedelta(days=1)


def truth_text(truth: dict[str, Any]) -> str:
    """The truth as JSON, one quantity a line."""
    rest = {name: value for name, value in truth.items() if name != "quantities"}
    head = json.dumps(rest, indent=2).removesuffix("\n}")
    rows = ",\n".join(f"    {json.dumps(row)}" for row in truth["quantities"])
    return f'{head},\n  "quantities": [\n{rows}\n  ]\n}}\n'


def _refuse_to_mix(settings: Settings, truth_file: Path, made_of: dict[str, Any]) -> None:
    usage = settings.landing_usage
    if not usage.is_dir() or not any(usage.iterdir()):
        return
    found = json.loads(truth_file.read_text(encoding="utf-8")) if truth_file.exists() else {}
    if {name: found.get(name) for name in made_of} != made_of:
        raise SampleRefusedError(
            f"Tried to write the sample into {settings.data_dir}: {usage} already holds usage that "
            "is not this sample's. Choose an empty data directory, or empty this one."
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sample into a data directory, or only its reference folder; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.sample.write")
    parser.add_argument("folder", type=Path, help="the data directory, or the reference folder")
    parser.add_argument(
        "--reference", action="store_true", help="write only the reference folder, to FOLDER"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--events", type=int, default=DEFAULT_EVENT_COUNT)
    options = parser.parse_args(arguments)
    if options.reference:
        write_reference(options.folder)
    else:
        write_sample(options.folder, seed=options.seed, event_count=options.events)
    return 0


if __name__ == "__main__":
    sys.exit(main())
