"""Documents that do not add up cannot be made; decimals never lose a digit."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters import errors
from adapters.decimals import decimal_text, decimals_of, exact_difference, exact_sum
from adapters.errors import AdapterError, UnknownAdapterError
from adapters.models import Document, DocumentLine, ErpLimits
from adapters.registry import crm_adapter, erp_adapter


def line(number=1, amount="1.00", quantity="1"):
    return DocumentLine(
        line_number=number,
        item="SEATS",
        description="Seats",
        quantity=Decimal(quantity),
        amount=Decimal(amount),
        service_start_date=date(2026, 10, 1),
        service_end_date=date(2026, 11, 1),
    )


def document(**changes):
    values = {
        "posting_key": "U234567",
        "document_id": "d1",
        "document_kind": "invoice",
        "legal_entity_id": "us",
        "customer_id": "acme",
        "currency_code": "USD",
        "billing_period": "2026-10",
        "document_date": date(2026, 10, 31),
        "total_amount": Decimal("1.00"),
        "memo": "",
        "lines": (line(),),
    }
    return Document(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"total_amount": Decimal("1.01")}, "lines sum to 1.00"),
        ({"lines": (line(1), line(1)), "total_amount": Decimal(2)}, "one line number"),
        ({"document_kind": "credit_memo"}, "wrong sign"),
        ({"lines": (line(amount="-1"),), "total_amount": Decimal(-1)}, "wrong sign"),
        ({"posting_key": "u-lower"}, "1-20 of"),
        ({"posting_key": "U" * 21}, "1-20 of"),
        ({"billing_period": "2026-13"}, "YYYY-MM"),
        ({"currency_code": "usd"}, "pattern"),
        ({"lines": (), "total_amount": Decimal(0)}, "at least 1"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_a_document_that_is_not_sound_is_refused(changes, problem):
    with pytest.raises(ValidationError, match=problem):
        document(**changes)


def test_a_sum_of_large_and_small_amounts_is_exact():
    """Invariant 5."""
    lines = (line(1, "99999999999999999999999999999999.0001"), line(2, "0.0001"))
    total = Decimal("99999999999999999999999999999999.0002")
    assert total == document(lines=lines, total_amount=total).total_amount
    assert Decimal(0) == exact_sum([])
    assert Decimal("999999999999999999999999999999.9999") == exact_difference(
        Decimal("1e30"), Decimal("0.0001")
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_that_is_no_number_is_refused(number):
    with pytest.raises(ValidationError):
        line(amount=number)


@pytest.mark.parametrize(
    ("number", "text", "decimals"),
    [
        ("1.50", "1.5", 1),
        ("100", "100", 0),
        ("1E+3", "1000", 0),
        ("-0.000", "0", 0),
        ("0.000000001", "0.000000001", 9),
        ("-12.340000000", "-12.34", 2),
    ],
)
def test_a_decimal_has_one_text(number, text, decimals):
    assert (text, decimals) == (decimal_text(Decimal(number)), decimals_of(Decimal(number)))


def test_what_an_erp_cannot_hold_is_named():
    limits = ErpLimits(settle_seconds=1, longest_key=5, most_lines=1, quantity_decimals=2)
    lines = (line(1, "0.50", "0.125"), line(2, "0.50", "0.10"))
    assert (
        "its key is longer than 5 characters",
        "it has 2 lines, the most is 1",
        "line 1's quantity 0.125 needs more than 2 decimals",
    ) == limits.problems(document(lines=lines))


@pytest.mark.parametrize("opened", [erp_adapter, crm_adapter])
def test_an_unknown_adapter_is_refused_by_name(opened, tmp_path):
    with pytest.raises(UnknownAdapterError, match=r"'netsweet'.*sandbox"):
        opened("netsweet", sandbox_folder=tmp_path)


def test_the_error_tree_in_the_docstring_is_the_tree_of_classes():
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and each is not Exception
    ]
    drawn = [text for text in errors.__doc__.split() if text.endswith("Error")]
    assert sorted(each.__name__ for each in classes) == sorted(drawn)
    assert all(issubclass(each, AdapterError) for each in classes)
    assert len(classes) == len({each.code for each in classes})


def test_no_adapter_imports_the_pipeline():
    folder = Path(errors.__file__).parent
    importing = [
        path.name
        for path in folder.rglob("*.py")
        if any(
            text.startswith(("import orchestration", "from orchestration"))
            for text in path.read_text("utf-8").splitlines()
        )
    ]
    assert [] == importing
