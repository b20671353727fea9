"""Lines of another system's invoices are read exactly, or refused with their place."""

from datetime import date
from decimal import Decimal

import pytest
from shadow_files import HEADER, LINE, MAPPING

from orchestration.shadow.invoice_lines import InvoiceFileError


def problems_of(read, *lines, **options):
    with pytest.raises(InvoiceFileError) as caught:
        read(*lines, **options)
    return list(caught.value.problems)


def changed(**fields):
    """The sound line with other fields."""
    return ",".join(
        fields.get(name, cell)
        for name, cell in zip(HEADER.split(","), LINE.split(","), strict=True)
    )


def test_a_line_is_read_with_every_digit_and_a_half_open_service_period(read):
    [line] = read(changed(Quantity="1000.000000001", Price="", Amount="10.0001"))

    assert {
        "billing_period": "2026-09",
        "load_number": 1,
        "line_number": 2,
        "invoice_number": "R-1",
        "their_customer": "Acme",
        "customer_by": "customer_id",
        "customer_reference": "cus_1",
        "customer_system": None,
        "their_charge": "API",
        "charge_by": "charge_id",
        "charge_reference": "api_calls",
        "dimension_key": None,
        "line_kind": "usage",
        "service_start_date": date(2026, 9, 1),
        "service_end_date": date(2026, 10, 1),
        "currency_code": "USD",
        "quantity": Decimal("1000.000000001"),
        "unit_price": None,
        "amount": Decimal("10.0001"),
        "multiplied_amount": Decimal("10.0001"),
        "is_rounded": True,
    } == line


def test_names_that_no_entry_maps_are_looked_up_as_the_file_has_them(read):
    [line] = read(changed(Customer="C40001", Product="ITEM-7"))

    assert ("erp_customer_number", "C40001") == (line["customer_by"], line["customer_reference"])
    assert ("erp_item", "ITEM-7") == (line["charge_by"], line["charge_reference"])


def test_line_numbers_are_those_of_the_file_over_quoted_line_breaks_and_blank_lines(read):
    lines = read(changed(Invoice='"R\n1"'), "", changed())

    assert [2, 5] == [line["line_number"] for line in lines]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"Amount": "1,000.00"}, "The row has 11 fields, and the header 10."),
        ({"Amount": '"1,000.00"'}, "amount '1,000.00' is no plain number"),
        ({"Amount": "(10.00)"}, "amount '(10.00)' is no plain number"),
        ({"Amount": "1e3"}, "amount '1e3' is no plain number"),
        ({"Amount": "NaN"}, "amount 'NaN' is no plain number"),
        ({"Amount": "٣"}, "amount '٣' is no plain number"),
        ({"Amount": "10.00001"}, "amount '10.00001' has more than 4 decimals."),
        ({"Amount": "1000000000000000"}, "amount '1000000000000000' has more than 15 digits"),
        ({"Amount": ""}, "amount is missing."),
        ({"Quantity": "0.0000000001"}, "quantity '0.0000000001' has more than 9 decimals."),
        ({"Currency": "usd"}, "currency 'usd' is no ISO 4217 code"),
        ({"Currency": "XAU"}, "currency 'XAU' is no ISO 4217 code"),
        ({"From": "2026-9-1"}, "service_start '2026-9-1' is no day written YYYY-MM-DD."),
        ({"From": "2026-02-30"}, "service_start '2026-02-30' is no day written YYYY-MM-DD."),
        ({"From": ""}, "service_start is missing, and a line of kind usage needs both."),
        ({"To": "2026-08-30"}, "service_end 2026-08-30 lies before the end of 2026-09-01."),
        ({"Invoice": " "}, "invoice_number is missing."),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_refuses_the_file(read, fields, told):
    [(line, text)] = problems_of(read, changed(), changed(**fields))

    assert 3 == line
    assert told in text


def test_every_bad_row_is_told_at_once(read):
    found = problems_of(read, changed(Amount="x"), changed(), changed(From="y"))

    assert [2, 4] == [line for line, _ in found]


def test_a_file_without_lines_or_without_a_header_is_refused(read):
    assert [(1, "The file has no line below its header.")] == problems_of(read)
    assert [(1, "The file is empty.")] == problems_of(read, header="")


def test_a_column_that_is_missing_or_stands_twice_is_refused(read):
    [(line, missing)] = problems_of(read, LINE, header=HEADER.replace("Amount", "Total"))
    [(_, twice)] = problems_of(read, LINE, header=HEADER.replace("Type", "Amount"))[:1]

    assert 1 == line
    assert "Column 'Amount' (mapped as amount) stands 0 times" in missing
    assert "stands 2 times" in twice


def test_columns_that_are_not_mapped_are_not_read(read):
    [line] = read(f"{LINE},anything", header=f"{HEADER},Memo")

    assert Decimal("10.00") == line["amount"]


def test_a_decimal_comma_a_semicolon_and_a_local_date_are_read_where_the_mapping_says_so(read):
    mapping = (MAPPING + 'delimiter: ";"\ndecimal_mark: ","\ndate_format: DD.MM.YYYY\n').replace(
        "service_end: last_day", "service_end: day_after"
    )
    [line] = read(
        "R-1;Acme;API;01.09.2026;01.10.2026;EUR;1,5;;-10,25;Usage",
        header=HEADER.replace(",", ";"),
        mapping=mapping,
    )

    assert Decimal("1.5") == line["quantity"]
    assert Decimal("-10.25") == line["amount"]
    assert (date(2026, 9, 1), date(2026, 10, 1)) == (
        line["service_start_date"],
        line["service_end_date"],
    )


def test_a_point_is_no_decimal_mark_where_the_comma_is(read):
    mapping = MAPPING + 'delimiter: ";"\ndecimal_mark: ","\n'
    [(_, text)] = problems_of(
        read, LINE.replace(",", ";"), header=HEADER.replace(",", ";"), mapping=mapping
    )

    assert "is no plain number with ',' as decimal mark" in text


def test_a_quantity_is_taken_in_our_unit_exactly(read):
    mapping = MAPPING.replace(
        "{charge: api_calls}", '{product: api, dimensions: {model: large}, quantity_factor: "1000"}'
    )
    [line] = read(changed(Quantity="1.5", Price="", Amount="3"), mapping=mapping)

    assert Decimal(1500) == line["quantity"]
    assert ("product", "api", '{"model":"large"}') == (
        line["charge_by"],
        line["charge_reference"],
        line["dimension_key"],
    )


def test_a_discount_has_no_quantity_and_tax_and_credit_need_no_service(read):
    discount, tax, credit = read(
        changed(Type="Discount", Amount="-1.00"),
        changed(Type="Tax", From="", To="", Product="", Quantity="", Price=""),
        changed(Type="Credit", From="", To="", Product="", Quantity="", Price="", Amount="-5"),
    )

    assert ("discount", None) == (discount["line_kind"], discount["quantity"])
    assert ("tax", None) == (tax["line_kind"], tax["service_start_date"])
    assert ("credit", "credits", Decimal(-5)) == (
        credit["line_kind"],
        credit["charge_reference"],
        credit["amount"],
    )


@pytest.mark.parametrize(
    ("fields", "multiplied", "is_rounded"),
    [
        (("1000", "0.01", "10.00"), "10.00", False),
        (("3", "3.335", "10.01"), "10.01", True),  # 10.005 is rounded
        (("12345", "0.0124", "152.78"), "152.78", True),  # a price shown with four decimals
        (("1000", "0.0100", "11.00"), "10.00", False),
        (("1", "9.995", "12.00"), "10.00", True),
        (("-2", "5.00", "-10.00"), "-10.00", False),
    ],
)
def test_an_amount_that_quantity_and_price_do_not_come_to_is_told_apart(
    read, fields, multiplied, is_rounded
):
    [line] = read(changed(**dict(zip(("Quantity", "Price", "Amount"), fields, strict=True))))

    assert Decimal(multiplied) == line["multiplied_amount"]
    assert is_rounded == line["is_rounded"]
