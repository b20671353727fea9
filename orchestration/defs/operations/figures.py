"""Figures of checks as Dagster shows them.

Belongs here: metadata of check results. Does not belong here: computing or judging a figure.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import dagster as dg

from orchestration.billing.checks import CheckFigure
from orchestration.quality.reports import ExpectationReport

NOTICE: Final = "notice"
"""Metadata of an asset that was made, and that somebody must still know something about: the
command line prints it."""

if TYPE_CHECKING:
    Materialised: TypeAlias = dg.MaterializeResult[None]
else:  # Dagster knows the class as an annotation only without its parameter
    Materialised = dg.MaterializeResult


def conservation_result(
    figures: Sequence[CheckFigure], *, check_name: str, asset_key: dg.AssetKey
) -> dg.AssetCheckResult:
    """Return the result of one invariant: red when one of its figures is red or none exists.

    Args:
        figures: the figures of this invariant, from fct_conservation.
        check_name: the check to answer.
        asset_key: the asset that it stands on.
    """
    metadata: dict[str, dg.MetadataValue] = {}
    for figure in figures:
        prefix = f"{figure.check_name}: " if len(figures) > 1 else ""
        metadata |= {
            f"{prefix}{label}": dg.MetadataValue.text(text)
            for label, text in figure.figures.items()
        }
    if figures and figures[0].invariant_number is not None:
        metadata["invariant"] = dg.MetadataValue.text(str(figures[0].invariant_number))
    red = [figure for figure in figures if not figure.is_passed]
    if not figures:
        description = "fct_conservation holds no figure for this invariant, so it is not proven."
    elif red:
        broken = "; ".join(
            f"{figure.check_name} ({figure.figures['broken']}). {figure.figures['what to do']}"
            for figure in red
        )
        description = f"Broken: {broken} What comes after it is stopped."
    else:
        description = f"Held: {', '.join(figure.check_name for figure in figures)}."
    return dg.AssetCheckResult(
        passed=bool(figures) and not red,
        asset_key=asset_key,
        check_name=check_name,
        metadata=metadata,
        description=description,
    )


def expectation_result(
    report: ExpectationReport, *, check_name: str, asset_key: dg.AssetKey
) -> dg.AssetCheckResult:
    """Return the result of one suite of expectations with its figures."""
    return dg.AssetCheckResult(
        passed=report.is_passed,
        asset_key=asset_key,
        check_name=check_name,
        metadata=texts(report.figures()) | {"subject": dg.MetadataValue.text(report.subject)},
        description=(
            f"{len(report.outcomes)} expectations on {report.row_count} rows of {report.subject}, "
            f"{len(report.unmet)} unmet."
        ),
    )


def texts(figures: Mapping[str, object]) -> dict[str, dg.MetadataValue]:
    """Return figures as text metadata, so that no figure is ever rounded by a float."""
    return {label: dg.MetadataValue.text(str(figure)) for label, figure in figures.items()}
