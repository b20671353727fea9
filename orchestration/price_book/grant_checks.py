"""Whether every credit grant can be drawn in one way only, and by something.

Belongs here: credit grants against contracts, charges, terms and products. Does not belong here:
negotiated prices (override_checks.py); what a single row may hold (table_models.py).
"""

from collections.abc import Iterator

from orchestration.price_book.currencies import minor_units
from orchestration.price_book.field_types import decimals_of
from orchestration.price_book.model_checks import is_additive
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.problems import ProblemList
from orchestration.price_book.reference_data import ReferenceData
from orchestration.price_book.row_checks import check_known
from orchestration.price_book.table_models import Contract, CreditGrant
from orchestration.price_book.term_scope import TermScope, term_scope

Fault = tuple[str, str, str]
"""A column, a code, and a sentence without its end."""


class _Unread:
    """What could not be read, so that nothing is said of references to it.

    Attributes:
        has_units: whether the unit of every charge is known.
    """

    def __init__(self, data: ReferenceData) -> None:
        book = data.book
        self._ids = book.unread("charge") | book.unread("term")
        self._declared = {*book.declared.get("charge", {}), *book.declared.get("term", {})}
        self._has_all_terms = book.has_all_terms
        self.has_units = not (book.unread("charge") or book.unread("meter"))

    def may_be(self, record_id: str) -> bool:
        """Whether the id may be that of a charge or term that could not be read."""
        is_lost = not self._has_all_terms and record_id not in self._declared
        return is_lost or record_id in self._ids


def check_grants(data: ReferenceData, problems: ProblemList) -> None:
    """Add every problem of the credit grants."""
    scope = term_scope(data)
    unread = _Unread(data)
    for row in data.tables.credit_grants:
        grant, name = row.item, f"credit_grants row {row.item.credit_grant_id}"
        check_known(row, name, data.tables, problems, column="contract_id", table="contracts")
        faults = [*_own_faults(grant), *_product_faults(data, grant)]
        contract = scope.contracts.get(grant.contract_id)
        if contract is not None:
            faults += [
                *_currency_faults(grant, contract),
                *_scope_faults(data, scope, unread, grant, contract),
            ]
        for column, code, message in faults:
            problems.add(code, row.path, row.line, f"{name}, column {column}: {message}.")


def _own_faults(grant: CreditGrant) -> Iterator[Fault]:
    if grant.expires_on is not None and grant.expires_on <= grant.starts_on:
        message = f"it expires on {grant.expires_on}, exclusive, and starts on {grant.starts_on}"
        yield "expires_on", "dates_out_of_order", message
    if (grant.currency_code is None) == (grant.unit is None):
        given = "neither" if grant.unit is None else "both"
        yield (
            "currency_code",
            "grant_measure_ambiguous",
            f"of currency_code and unit it has {given}",
        )
    if grant.kind == "purchased" and grant.cost_basis is None:
        message = "it is purchased, and nothing says what was paid for one of it"
        yield "cost_basis", "grant_cost_basis_wrong", message
    if grant.kind == "promotional" and grant.cost_basis:
        message = f"it is promotional, and {grant.cost_basis} was paid for one of it"
        yield "cost_basis", "grant_cost_basis_wrong", message
    yield from _reopening_faults(grant)
    if grant.currency_code is not None:
        most = minor_units()[grant.currency_code]
        if decimals_of(grant.amount) > most:
            message = (
                f"{grant.amount} has {decimals_of(grant.amount)} decimals, and "
                f"{grant.currency_code} has {most}"
            )
            yield "amount", "too_many_decimals", message


def _reopening_faults(grant: CreditGrant) -> Iterator[Fault]:
    is_reopened = grant.restores_after_expiry == "reopen"
    if is_reopened and grant.expires_on is None:
        message = "it says what becomes of credit that goes back after its expiry, and has none"
        yield "restores_after_expiry", "grant_reopening_wrong", message
    if is_reopened and grant.reopens_for_days is None:
        message = "it is reopened by credit that goes back, and nothing says for how many days"
        yield "reopens_for_days", "grant_reopening_wrong", message
    if not is_reopened and grant.reopens_for_days is not None:
        message = f"it is {grant.reopens_for_days}, and the grant is not reopened"
        yield "reopens_for_days", "grant_reopening_wrong", message


def _product_faults(data: ReferenceData, grant: CreditGrant) -> Iterator[Fault]:
    if grant.product_id is None and grant.kind == "purchased":
        message = "it is purchased, and no product says where it is booked"
        yield "product_id", "grant_product_missing", message
    if grant.product_id is not None and data.book.is_unknown("product", grant.product_id):
        nearest = data.book.or_nearest("product", grant.product_id)
        yield "product_id", "unknown_product", f"there is no product {grant.product_id}{nearest}"


def _currency_faults(grant: CreditGrant, contract: Contract) -> Iterator[Fault]:
    if grant.currency_code not in (None, contract.currency_code):
        message = (
            f"it is in {grant.currency_code}, and contract {grant.contract_id} in "
            f"{contract.currency_code}"
        )
        yield "currency_code", "grant_currency_mismatch", message


def _scope_faults(
    data: ReferenceData,
    scope: TermScope,
    unread: _Unread,
    grant: CreditGrant,
    contract: Contract,
) -> Iterator[Fault]:
    lineage = contract.contract_lineage_id or contract.contract_id
    contracts = {
        each.contract_id
        for each in scope.contracts.values()
        if (each.contract_lineage_id or each.contract_id) == lineage
    }
    plans = {
        plan.plan_id for contract_id in contracts for plan in scope.plan_spans.get(contract_id, ())
    }
    if not plans or not scope.known_plans.issuperset(plans):
        return
    charged = {each for plan in plans for each in scope.plan_charges.get(plan, ())}
    terms = {
        owned.term.item.id
        for owned in data.book.terms
        if owned.plan_id in plans or owned.contract_id in contracts
    }
    wanted = grant.scoped_ids()
    for each in wanted:
        if each not in charged | terms and not unread.may_be(each):
            message = (
                f"{each} is neither a charge nor a term of contract {grant.contract_id}"
                f"{or_nearest(each, charged | terms)}"
            )
            yield "scope", "grant_scope_never_applies", message
    paid = charged & set(wanted) if wanted else charged
    if grant.unit is None or not unread.has_units:
        return
    if grant.unit not in _units(data, scope, paid):
        message = f"no charge of quantities that add up is priced in {grant.unit}, of those it pays"
        yield "unit", "grant_unit_not_charged", message


def _units(data: ReferenceData, scope: TermScope, charges: set[str]) -> set[str]:
    """The units that these charges are priced in, of meters whose quantities add up over time."""
    metered = {
        meter.item.id: meter.item.unit for meter in data.book.meters if is_additive(meter.item)
    }
    found = (scope.charges[each][1] for each in charges if each in scope.charges)
    return {
        charge.convert.unit
        if charge.convert is not None and charge.convert.unit is not None
        else metered[charge.meter]
        for charge in found
        if charge.meter in metered
    }
