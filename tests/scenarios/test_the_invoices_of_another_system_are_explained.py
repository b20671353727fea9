"""Shadow mode: the invoices of the system in use, wrong in known ways, and each of them is named.

Their invoices are made from our rated lines. The price of their quantity is asked of the price
book, which rates it in a month of its own.
"""

import csv
import io
import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from orchestration.asset_keys import SHADOW_DIFFERENCES
from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.cli_runs import dagster_instance
from orchestration.data_directory import initialise
from orchestration.pricing import PriceQuestion, find_prices
from orchestration.reports.shadow import write_shadow
from orchestration.shadow.compare import InvoicesMissingError, compare_invoices

pytestmark = pytest.mark.slow

MONTH = "2026-09"
FIRST, AFTER = date(2026, 9, 1), date(2026, 10, 1)
COLUMNS = ("Invoice", "Client", "Article", "From", "Until", "Cur", "Qty", "Net", "Kind")
MAPPING = """\
columns:
  invoice_number: Invoice
  customer: Client
  charge: Article
  service_start: From
  service_end: Until
  currency: Cur
  quantity: Qty
  amount: Net
  line_kind: Kind
delimiter: ";"
decimal_mark: ","
date_format: DD.MM.YYYY
service_end: last_day
customers: {by: erp_customer_number}
charges: {by: charge_id}
line_kinds: {default: usage, map: {credit: credit, VAT: tax}}
"""
_LINES = """
    select
        lines.*,
        customers.erp_customer_number,
        count(*) over (
            partition by lines.bill_to_customer_id, lines.charge_id, lines.currency_code
        ) as line_count
    from rating.fct_rated_lines as lines
    inner join staging.stg_reference__customers as customers
        on lines.bill_to_customer_id = customers.customer_id
    where lines.billing_period = '2026-09'
    order by lines.bill_to_customer_id, lines.charge_id, lines.rated_line_id
"""
_CREDITS = """
    select entries.bill_to_customer_id, customers.erp_customer_number, entries.currency_code,
        entries.amount
    from staging.stg_register__entries as entries
    inner join staging.stg_reference__credit_grants as grants
        on entries.credit_grant_id = grants.credit_grant_id
    inner join staging.stg_reference__customers as customers
        on entries.bill_to_customer_id = customers.customer_id
    where entries.entry_kind = 'credit_draw' and entries.billing_period = '2026-09'
        and grants.credit_kind = 'promotional'
"""


class Invoices:
    """Their lines for each rated line that is known, which a test may distort.

    Attributes:
        expected: what each distortion makes theirs higher by, by customer, charge and cause.
    """

    def __init__(self, house):
        self.house = house
        self.ours = house.mappings(_LINES)
        self.known = [line for line in self.ours if line["exception_code"] is None]
        self.theirs = {line["rated_line_id"]: self._like(line) for line in self.known}
        self.others = [
            self.line(credit, "", credit["amount"], kind="credit", service=("", ""))
            for credit in house.mappings(_CREDITS)
        ]
        self.taken = set()
        self.expected = defaultdict(Decimal)

    def _like(self, line):
        service = (line["segment_start_date"], line["segment_end_date"])
        return self.line(line, line["charge_id"], line["amount"], service=service) | {
            "Qty": line["quantity"]
        }

    def line(self, line, article, amount, *, service, kind="usage"):
        return {
            "Invoice": f"R-{line['erp_customer_number']}",
            "Client": line["erp_customer_number"],
            "Article": article,
            "From": service[0],
            "Until": service[1] and service[1] - timedelta(days=1),
            "Cur": line["currency_code"],
            "Qty": "",
            "Net": amount,
            "Kind": kind,
        }

    def pick(self, fits):
        """The first line alone in its charge, of a customer that nothing was done to yet."""
        return next(
            line
            for line in self.known
            if line["line_count"] == 1
            and line["bill_to_customer_id"] not in self.taken
            and (line["segment_start_date"], line["segment_end_date"]) == (FIRST, AFTER)
            and fits(line)
        )

    def change(self, line, cause, by, **fields):
        self.taken.add(line["bill_to_customer_id"])
        self.theirs[line["rated_line_id"]] |= fields
        self.expected[line["bill_to_customer_id"], line["charge_id"], cause] += by

    def write(self, folder):
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, delimiter=";", lineterminator="\n")
        writer.writeheader()
        for row in [*self.theirs.values(), *self.others]:
            writer.writerow({name: written(cell) for name, cell in row.items()})
        folder.mkdir(exist_ok=True)
        (folder / "mapping.yml").write_text(MAPPING)
        path = folder / "invoices.csv"
        path.write_text(text.getvalue())
        return path


def written(cell):
    if isinstance(cell, date):
        return cell.strftime("%d.%m.%Y")
    return f"{cell:f}".replace(".", ",") if isinstance(cell, Decimal) else cell


def is_plain_usage(line):
    """Usage that the list price alone makes: no term of a contract is in it."""
    return (
        line["line_kind"] == "usage"
        and line["charge_model"] in {"graduated", "volume", "package"}
        and not line["is_override"]
        and not line["included_quantity"]
        and not line["discount_amount"]
        and line["currency_code"] == "USD"
        and line["dimension_key"] == "{}"
        and line["quantity"] > 0
    )


def price_of(house, line, quantity):
    question = PriceQuestion(
        plan_id=line["plan_id"],
        quantity=quantity,
        on=FIRST,
        charge_id=line["charge_id"],
        currency_code=line["currency_code"],
    )
    [charge] = find_prices(house.settings, question).charges
    return charge.amount


@pytest.fixture(scope="module")
def house(house_of_the_signed_month):
    return house_of_the_signed_month


@pytest.fixture(scope="module")
def before(house):
    return house.file_digests("register", "raw", "reference", "landing"), house.operations(
        "postings"
    )


@pytest.fixture(scope="module")
def true_invoices(house, before):
    """What the command answers where theirs is what is rated here."""
    initialise(house.settings)
    file = Invoices(house).write(house.settings.data_dir / "their_true_invoices")
    data_dir = str(house.settings.data_dir)
    answered = CliRunner().invoke(
        app,
        ["compare-invoices", str(file), "--period", MONTH, "--data-dir", data_dir, "--json"],
        catch_exceptions=False,
    )
    assert ExitCode.DONE == answered.exit_code
    return json.loads(answered.stdout)


@pytest.fixture(scope="module")
def distorted(house, true_invoices):
    invoices = Invoices(house)
    month = (FIRST, AFTER)
    held = next(
        line for line in invoices.ours if line["exception_code"] and line["line_count"] == 1
    )
    invoices.taken.add(held["bill_to_customer_id"])
    invoices.others.append(invoices.line(held, held["charge_id"], Decimal(50), service=month))
    invoices.expected[held["bill_to_customer_id"], held["charge_id"], "exception"] += 50

    other_quantity = invoices.pick(is_plain_usage)
    quantity = other_quantity["quantity"] * 3 + 1000
    priced = price_of(house, other_quantity, quantity)
    assert priced != other_quantity["amount"]
    by = priced - other_quantity["amount"]
    invoices.change(other_quantity, "quantity", by, Qty=quantity, Net=priced)

    both = invoices.pick(is_plain_usage)
    quantity = both["quantity"] * 5 + 777
    priced = price_of(house, both, quantity)
    invoices.change(both, "quantity", priced - both["amount"])
    invoices.change(both, "price", Decimal("-3.33"), Qty=quantity, Net=priced - Decimal("3.33"))

    fee = invoices.pick(lambda line: line["line_kind"] == "fee" and line["amount"] > 0)
    invoices.change(fee, "price", Decimal(7), Net=fee["amount"] + 7)

    cut_off = invoices.pick(lambda line: line["line_kind"] == "usage" and line["amount"] > 0)
    invoices.change(
        cut_off,
        "service_period",
        Decimal(2),
        From=FIRST - timedelta(days=4),
        Until=AFTER - timedelta(days=5),
        Net=cut_off["amount"] + 2,
    )

    rounded = invoices.pick(
        lambda line: line["minor_unit"] == 2 and line["amount_unrounded"] != line["amount"]
    )
    cent = Decimal("0.01")
    invoices.change(rounded, "rounding", cent, Net=rounded["amount"] + cent)

    uncounted = invoices.pick(lambda line: line["line_kind"] == "usage" and line["amount"] > 0)
    invoices.change(uncounted, "unexplained", Decimal(5), Qty="", Net=uncounted["amount"] + 5)

    extra = invoices.pick(lambda line: line["currency_code"] == "USD")
    invoices.taken.add(extra["bill_to_customer_id"])
    not_theirs = next(
        line["charge_id"]
        for line in invoices.ours
        if line["plan_id"] != extra["plan_id"]
        and line["charge_id"]
        not in {
            each["charge_id"]
            for each in invoices.ours
            if each["bill_to_customer_id"] == extra["bill_to_customer_id"]
        }
    )
    invoices.others += [
        invoices.line(extra, "Set-up", Decimal("99.90"), service=month),
        invoices.line(extra, not_theirs, Decimal("12.34"), service=month),
        invoices.line(extra, "VAT 19 %", Decimal("1000.00"), service=("", ""), kind="VAT"),
        invoices.line(extra | {"erp_customer_number": "C-lost"}, "x", Decimal(-4), service=month),
    ]
    invoices.expected[extra["bill_to_customer_id"], "Set-up", "not_mapped"] += Decimal("99.90")
    invoices.expected[extra["bill_to_customer_id"], not_theirs, "charge_only_there"] += Decimal(
        "12.34"
    )
    invoices.expected["C-lost", "x", "not_mapped"] += -4

    missing = invoices.pick(lambda line: line["amount"] > 0)["bill_to_customer_id"]
    for line in invoices.known:
        if line["bill_to_customer_id"] == missing:
            del invoices.theirs[line["rated_line_id"]]
            invoices.expected[missing, line["charge_id"], "customer_only_here"] -= line["amount"]
    assert missing not in {
        customer for customer, _, cause in invoices.expected if cause != "customer_only_here"
    }

    answer = compare_invoices(
        house.installation,
        billing_period=MONTH,
        file=invoices.write(house.settings.data_dir / "their_invoices"),
    )
    write_shadow(house.settings, answer)
    return invoices, answer


def test_invoices_that_are_what_is_rated_match_to_the_cent(house, true_invoices):
    unknown = {
        (line["bill_to_customer_id"], line["currency_code"])
        for line in house.mappings(_LINES)
        if line["exception_code"]
    }
    months = true_invoices["months"]

    assert [] == true_invoices["differences"]
    assert {Decimal(0)} == {Decimal(row["difference_amount"]) for row in months}
    assert len(unknown) == sum(
        row["customer_count"] - row["matched_customer_count"] for row in months
    )


def test_each_distortion_is_named_to_the_cent(distorted):
    invoices, answer = distorted
    found = {
        (row["customer"], row["charge"], row["cause"]): row["amount"]
        for row in answer.differences.to_pylist()
    }

    assert {key: by for key, by in invoices.expected.items() if by} == found


def test_the_run_shows_the_answer_on_the_asset_too(house, true_invoices):
    with dagster_instance(house.settings) as instance:
        event = instance.get_latest_materialization_event(SHADOW_DIFFERENCES)

    shown = event.asset_materialization.metadata["answer"].value
    assert f"Nothing of {MONTH} that is known here differs." in shown
    assert "Not known here, so no match, by charge: " in shown


def test_both_sides_are_those_of_the_files(distorted):
    invoices, answer = distorted
    theirs = defaultdict(Decimal)
    for row in [*invoices.theirs.values(), *invoices.others]:
        if row["Kind"] != "VAT":
            theirs[row["Cur"]] += row["Net"]
    months = {row["currency_code"]: row for row in answer.months.to_pylist()}

    assert dict(theirs) == {code: row["their_amount"] for code, row in months.items()}
    assert Decimal(1000) == months["USD"]["left_out_amount"]
    assert Decimal(5) == sum(row["absolute_unexplained_amount"] for row in months.values())


def test_a_corrected_file_takes_the_place_of_the_one_before(true_invoices, distorted):
    _, answer = distorted

    assert (1, True) == (true_invoices["load"]["load_number"], true_invoices["load"]["is_new"])
    assert (2, True) == (answer.load.load_number, answer.is_new)


def test_nothing_that_is_billed_or_posted_has_moved(house, before, distorted):
    files, postings = before

    assert files == house.file_digests("register", "raw", "reference", "landing")
    assert postings == house.operations("postings")


def test_finance_gets_every_row_as_a_file(house, distorted):
    _, answer = distorted
    folder = house.settings.reports / "shadow"
    with (folder / "2026-09-differences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["cause"] for row in answer.differences.to_pylist()] == [
        row["cause"] for row in rows
    ]
    assert answer.comparisons.num_rows == len(
        (folder / "2026-09-comparisons.csv").read_text("utf-8").splitlines()[1:]
    )


def test_a_month_without_a_file_is_refused(house, distorted):
    with pytest.raises(InvoicesMissingError, match="Files are there of 2026-09"):
        compare_invoices(house.installation, billing_period="2026-10")
