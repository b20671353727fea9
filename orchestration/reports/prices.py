"""What a quantity costs, charge by charge, for a person and for a program.

Belongs here: the order of the answer, its words. Does not belong here: finding it (pricing); the
steps of a line (calculation.py).
"""

from typing import Any

from rich.console import Console

from orchestration.price_book.currencies import amount_text
from orchestration.pricing import PricedCharge, PricedLine, PricedQuantity
from orchestration.reports.calculation import print_calculation
from orchestration.reports.calculation_steps import metered, money
from orchestration.reports.explanation import LineExplanation, derivation_json, with_amounts


def print_prices(console: Console, answer: PricedQuantity) -> None:
    """Print what was asked, and each charge with its tiers and its amount."""
    question = answer.question
    asked = [f"Plan {question.plan_id}", f"prices in {answer.currency_code} on {question.on}"]
    asked += [f"{name} {value}" for name, value in question.dimensions.items()]
    console.print(", ".join(asked), style="bold", markup=False, highlight=False)
    for priced in answer.charges:
        console.print()
        _print_charge(console, priced)


def prices_json(answer: PricedQuantity) -> dict[str, Any]:
    """Return the answer as a JSON document: amounts have their currency's decimals."""
    question = answer.question
    return {
        "plan_id": question.plan_id,
        "quantity": question.quantity,
        "on": question.on,
        "currency_code": answer.currency_code,
        "dimensions": dict(question.dimensions),
        "charges": [_charge_json(each, answer.currency_code) for each in answer.charges],
    }


def _print_charge(console: Console, priced: PricedCharge) -> None:
    charge, meter = priced.asked.charge, priced.asked.meter
    price_id = priced.lines[0].line["charge_price_id"]
    console.print(
        f"{charge.name or charge.id}: {_total(priced)}", style="bold", markup=False, highlight=False
    )
    facts = f"charge {charge.id}, {charge.model}, price {price_id}, meter {meter.id}"
    console.print(facts, markup=False, highlight=False)
    for line in priced.lines:
        if line.line["line_kind"] != "usage":
            console.print(line.line["description"], markup=False, highlight=False)
        print_calculation(console, _as_explanation(line))


def _total(priced: PricedCharge) -> str:
    line = priced.lines[0].line
    quantity = metered(priced.lines[0].derivation["quantity"], priced.lines[0].derivation)
    cost = "unknown" if priced.amount is None else money(priced.amount, line)
    return f"{quantity} for {cost}" if priced.amount is not None else f"{quantity}, price {cost}"


def _as_explanation(line: PricedLine) -> LineExplanation:
    """A line that stands nowhere yet: no document, no signature, no event."""
    return LineExplanation(
        line=line.line,
        derivation=line.derivation,
        tiers=line.tiers,
        exceptions=(),
        holding_lines=(),
        documents=(),
        held_back=(),
        signed=(),
        event_ids=(),
    )


def _charge_json(priced: PricedCharge, code: str) -> dict[str, Any]:
    return {
        "charge_id": priced.asked.charge.id,
        "charge_model": priced.asked.charge.model,
        "meter_id": priced.asked.meter.id,
        "unit": priced.asked.meter.unit,
        "amount": None if priced.amount is None else amount_text(priced.amount, code),
        "lines": [
            {
                **with_amounts(
                    {
                        name: each.line[name]
                        for name in (
                            "line_kind",
                            "charge_price_id",
                            "description",
                            "amount",
                            "exception_code",
                        )
                    },
                    code,
                ),
                "derivation": derivation_json(each.derivation, code),
                "tiers": [with_amounts(tier, code) for tier in each.tiers],
            }
            for each in priced.lines
        ],
    }
