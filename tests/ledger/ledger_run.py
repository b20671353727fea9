"""All stories in one data directory, month after month: load, rate, freeze, sign, post, read back.

Belongs here: the closes, and what each left behind, by story. Does not belong here: what a story
expects.
"""

import json
import os
import shutil
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from golden_cases import plain
from golden_run import write_reference
from golden_tenant import Tenant
from ledger_causes import CausesTold, amounts_of, causes_told
from ledger_excerpt import excerpt_of, rows_told_otherwise
from ledger_records import documents_to_hold, read_revision_documents, sign_records
from ledger_stories import CLOSES, period_of

from adapters.errors import RejectedError
from orchestration.billing.freeze import freeze
from orchestration.billing.register import Register
from orchestration.billing.sign_off import Signer
from orchestration.period_close import Decision, decide, freeze_period
from orchestration.pipeline import (
    Installation,
    build_models,
    judge_candidates,
    load_reference_data,
    load_usage_files,
    post_documents,
    read_conservation,
    read_statuses,
    write_inputs,
)
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

SIGNER = Signer(name="golden", source="self_declared", run_id=None)
SETTLED_SECONDS = 3600
RATED_APART_AT = 3
POLICY = {
    "sign_off": {
        "approvers": [{"name": SIGNER.name, "legal_entities": "all", "up_to_amount": "unlimited"}],
        "accepts_self_declared": True,
        "four_eyes": False,
        "acknowledgements": {"unexplained_correction": False},  # no causes are told here
    },
    "smallest_document": {"CHF": "1.00"},
    "corrections": {"months_back": 4},
    "accounting_closed_through": {"jp": "2026-02"},
}
RESTATES = {
    "restates": [
        {"reason": "stories", "author": "ana", "from": "2026-01-01", "everything": True},
    ]
}
MARTS = (
    *("+fct_rated_line_tiers", "+fct_exceptions", "+fct_conservation", "+fct_outcomes"),
    *("+fct_unbilled_amounts", "+fct_conflicting_events"),
)
WITHOUT_DATA_TESTS = ("--select", *MARTS, "--exclude-resource-type", "test")
HELD = """
    select customer_id, exception_code
    from billing.fct_exceptions
    where object_kind = 'settlement_key'
    order by customer_id, exception_code
"""
RATED = """
    select customer_id, sum(coalesce(computed_amount, 0)) as amount
    from rating.fct_rated_lines
    where is_due
    group by customer_id
"""
UNBILLED = """
    select customer_id, bucket, sum(coalesce(unbilled_amount, -billed_amount))
    from billing.fct_unbilled_amounts
    group by customer_id, bucket
"""
CONCEDED = """
    select customer_id, sum(conceded_amount)
    from billing.int_settlements__compared
    group by customer_id
"""


class LostTenant(Tenant):
    """A company whose contract files did not arrive; its customers and prices did."""

    def table_rows(self):
        of_contracts = {"contracts", "contract_versions", "overrides", "credit_grants"}
        return {
            table: [] if table in of_contracts else rows
            for table, rows in super().table_rows().items()
        }


class RefusingErp:
    """An ERP that refuses the documents of some stories, and keeps their posting keys."""

    def __init__(self, erp, stories, refused):
        self._erp, self._stories, self._refused = erp, stories, refused

    def __getattr__(self, name):
        return getattr(self._erp, name)

    def create_draft(self, document, *, correlation_id):
        if _story_of(document.customer_id) in self._stories:
            self._refused.append(document.posting_key)
            raise RejectedError("Called create_draft: refused. Change the data first.", code="no")
        return self._erp.create_draft(document, correlation_id=correlation_id)


@dataclass
class Closed:
    """What one close left behind.

    Attributes:
        documents: by story, (text, texts of lines) of each document that was signed.
        held: by story, codes of what holds its charges.
        broken: names of checks that did not hold before it was signed.
        rated: the reference version and what each key was rated at, for the close after it.
        causes: what was told of corrections before the run was frozen; None but at one close.
        told_otherwise: what an excerpt says of half of the company that the warehouse does not,
            how many rows both were asked for, and how many contracts were left out; None at a close
            where none was made.
        dates: by story and text of a document, the day on which it is booked. bill_to: likewise,
        the customer that it is for. expires: by story, texts of what expired of grants.
    """

    documents: dict = field(default_factory=lambda: defaultdict(list))
    held: dict = field(default_factory=lambda: defaultdict(list))
    broken: list = field(default_factory=list)
    dates: dict = field(default_factory=lambda: defaultdict(dict))
    bill_to: dict = field(default_factory=lambda: defaultdict(dict))
    expires: dict = field(default_factory=lambda: defaultdict(list))
    told_otherwise: tuple | None = None
    rated: tuple | None = None
    causes: CausesTold | None = None


@dataclass
class Ledger:
    """The company after all closes.

    Attributes:
        closed: one for each close. entries: the register's, as mappings.
        broken: names of checks that do not hold in the end. in_erp: posting keys in the ERP.
        refused: posting keys that the ERP refused.
        rated: by story, what everything due comes to. unbilled: what of it is in which bucket.
        conceded: goodwill that counts.
    """

    closed: list
    entries: list
    broken: list
    in_erp: list
    refused: list
    rated: dict
    unbilled: dict
    conceded: dict


def close_all(stories, data_dir):
    """Close every month of all stories; returns the Ledger.

    Raises:
        TallyhouseError: a step was refused, or a model could not be built.
    """
    settings = Settings(
        data_dir=data_dir, may_sign_self_declared=True, self_declared_signer=SIGNER.name
    )
    refused = []
    closed = []
    for number in range(1, CLOSES + 1):
        closed.append(_close(settings, stories, number, refused, closed[-1:]))
    installation = _installation(settings, CLOSES + 1)
    tenants = [Tenant(story.closes[-1].case) for story in stories]
    load_usage_files(installation, paths=[_write_usage(settings, tenants, CLOSES + 1)])
    return Ledger(
        closed=closed,
        entries=Register(settings.register).entries().to_pylist(),
        broken=_build(installation),
        in_erp=sorted(each.posting_key for each in installation.open_erp().read_documents()),
        refused=refused,
        rated=_sums(settings, RATED),
        unbilled=_buckets(settings),
        conceded=_sums(settings, CONCEDED),
    )


def _installation(settings, number):
    now = datetime(2026, number + 1, 3, 6, tzinfo=UTC)
    return Installation(settings, clock=lambda: now)


def _close(settings, stories, number, refused, before):
    installation = _installation(settings, number)
    told = [story.closes[number - 1] for story in stories]
    tenants = [(LostTenant if close.is_lost else Tenant)(close.case) for close in told]
    _write_reference(settings.reference_dir, tenants)
    reference = load_reference_data(installation)
    load_usage_files(installation, paths=[_write_usage(settings, tenants, number)])
    closed = Closed(broken=_build(installation))
    for customer_id, code in _rows(settings, HELD):
        closed.held[_story_of(customer_id)].append(code)
    closed.rated = (reference.reference_version, amounts_of(settings))
    if number == RATED_APART_AT:
        closed.told_otherwise = rows_told_otherwise(installation, period_of(number))
        version, amounts = before[0].rated
        closed.causes = causes_told(
            installation, excerpt_of(settings), signed_version=version, as_signed=amounts
        )
    _sign(installation, stories, number)
    refusing = {story.name for story in stories if story.closes[number - 1].is_refused}
    erp = RefusingErp(installation.open_erp(), refusing, refused)
    post_documents(replace(installation, erp=erp))
    read_statuses(installation)
    _tell_documents(settings, closed, number)
    sign_records(installation, stories, number, SIGNER)
    return closed


def _build(installation):
    """Build every mart; returns the names of checks that do not hold."""
    write_inputs(installation)
    build_models(installation, WITHOUT_DATA_TESTS)
    figures = read_conservation(installation)
    return [figure.check_name for figure in figures if not figure.is_passed]


def _sign(installation, stories, number):
    period = period_of(number)
    revisions = _on_demand(installation, stories, number)
    expectations = judge_candidates(installation, billing_period=period)
    revisions += freeze_period(installation, billing_period=period, expectations=expectations)
    held = documents_to_hold(installation.settings, stories, number)
    for revision in revisions:
        documents = read_revision_documents(installation.settings, revision)
        hold = [document_id for document_id in documents if document_id in held]
        decide(
            installation,
            revision_id=revision.revision_id,
            decision=Decision.SIGN,
            signer=SIGNER,
            note="held" if hold else "",
            held_document_ids=hold,
        )


def _on_demand(installation, stories, number):
    """Revisions of earlier months, which wait for their signature while the run is frozen."""
    wanted = {
        (close.on_demand, contract["entity"])
        for story in stories
        for close in [story.closes[number - 1]]
        if close.on_demand
        for contract in close.case.fields["contracts"]
    }
    with installation.operations() as engine:
        return [
            revision
            for period, entity in sorted(wanted)
            for revision in freeze(
                installation.settings,
                engine,
                billing_period=period,
                now=installation.clock(),
                legal_entity_ids=[entity],
            )
        ]


def _write_reference(folder, tenants):
    shutil.rmtree(folder, ignore_errors=True)
    write_reference(folder, tenants)
    (folder / "policy.yml").write_text(json.dumps(POLICY), "utf-8")
    (folder / "restates.yml").write_text(json.dumps(RESTATES), "utf-8")


def _write_usage(settings, tenants, number):
    """The events that arrive in a close."""
    texts = [text for tenant in tenants for batch, text in tenant.events() if batch == number]
    path = settings.landing_usage / f"close_{number}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*texts, ""]), "utf-8")
    settled = time.time() - SETTLED_SECONDS
    os.utime(path, (settled, settled))
    return path


def _tell_documents(settings, closed, number):
    """The documents of a close as texts: period, kind, amount, and what it corrects."""
    by_document = defaultdict(list)
    for entry in Register(settings.register).entries().to_pylist():
        if entry["document_id"] is not None:
            by_document[entry["document_id"]].append(entry)
        if entry["entry_kind"] == "credit_expire" and _close_of(entry) == number:
            quantity = -entry["quantity"] if entry["unit_label"] else -entry["amount"]
            grant = entry["credit_grant_id"].split(".", 1)[1]
            closed.expires[_story_of(entry["customer_id"])].append(f"{grant} {plain(quantity)}")
    names = {name: _name(lines) for name, lines in by_document.items()}
    for lines in by_document.values():
        if _close_of(lines[0]) != number:
            continue
        corrected = lines[0]["original_document_id"]
        text = f"{lines[0]['billing_period']} {names[lines[0]['document_id']]}"
        if corrected is not None:
            original = by_document[corrected]
            text += f" corrects {_close_of(original[0])}: {names[corrected]}"
        story = _story_of(lines[0]["customer_id"])
        closed.dates[story][text] = f"{lines[0]['accounting_date']}"
        closed.bill_to[story][text] = lines[0]["bill_to_customer_id"].split(".", 1)[1]
        told = sorted(f"{plain(line['amount'])} {line['description']}" for line in lines)
        closed.documents[story].append((text, told))


def _name(lines):
    amount = sum((line["amount"] for line in lines), Decimal(0))
    return f"{lines[0]['document_kind']} {plain(amount)}"


def _close_of(entry):
    """The close that signed an entry: it is signed in the month after."""
    return entry["signed_at"].month - 1


def _sums(settings, query):
    sums = defaultdict(Decimal)
    for customer_id, amount in _rows(settings, query):
        sums[_story_of(customer_id)] += amount
    return sums


def _buckets(settings):
    buckets = defaultdict(lambda: defaultdict(Decimal))
    for customer_id, bucket, amount in _rows(settings, UNBILLED):
        buckets[_story_of(customer_id)][bucket] += amount
    return buckets


def _rows(settings, query):
    with open_warehouse(settings) as connection:
        return connection.execute(query).fetchall()


def _story_of(customer_id):
    return customer_id.split(".", 1)[0]
