"""What finance signs after a close beside bills: records, as stories say or as they are drawn.

Belongs here: documents by the names that stories have for them, the file of records, what is
cancelled in the ERP before. Does not belong here: closing months (ledger_run.py).
"""

import json
import random
from collections import defaultdict
from decimal import Decimal

from golden_cases import plain
from golden_tenant import SOURCE

from orchestration.billing.register import Register
from orchestration.billing.revisions import DOCUMENT_SCHEMA
from orchestration.billing.signed_rows import read_revision
from orchestration.pipeline import read_statuses
from orchestration.recording import read_records, record_entries
from orchestration.stewardship import EventDecision, record_event_decisions
from orchestration.warehouse import open_warehouse

HELD_DOCUMENTS = """
    select distinct customer_id, document_kind, document_id, sum(amount) over (
        partition by document_id
    )
    from billing.fct_invoice_candidate_lines
"""

CONTENTS = """
    select content_digest
    from billing.fct_conflicting_events
    where event_source = ? and event_id = ?
    order by ingestion_batch_id
"""
EVENT_KINDS = {"pick", "drop", "retract", "restore"}


def sign_records(installation, stories, number, signer):
    """Sign what stories say after a close; what they say is cancelled in the ERP before."""
    told = [(story, each) for story in stories for each in story.closes[number - 1].records]
    settings = installation.settings
    signed = _signed_documents(settings)
    waiting = _waiting_documents(settings)
    records = [
        {"id": f"{story.name}.{number}.{place}", "reason": "As agreed"} | record
        for place, (story, each) in enumerate(told)
        if (record := _record(installation, story, each, signed, waiting)) is not None
    ]
    if not records:
        return
    read_statuses(installation)
    entries = [record for record in records if record["kind"] not in EVENT_KINDS]
    events = [record for record in records if record["kind"] in EVENT_KINDS]
    with installation.operations() as engine:
        if entries:
            content = json.dumps({"author": "ana", "records": entries}).encode()
            file = read_records("records.yml", content)
            record_entries(settings, engine, file, signer=signer, now=installation.clock())
        if events:
            decisions = [
                EventDecision(
                    event_source=record["source"],
                    event_id=record["event"],
                    decision=record["kind"],
                    reason=record["reason"],
                    content_digest=record.get("content"),
                )
                for record in events
            ]
            record_event_decisions(
                settings, engine, decisions, signer=signer, now=installation.clock()
            )


def _record(installation, story, told, signed, waiting):
    """A record as a file has it; None where there is nothing to draw one about."""
    record = _drawn(told["drawn"], signed[story.name]) if "drawn" in told else dict(told)
    if record is None:
        return None
    if "document" in record:
        record["document"], record["amount"] = _document(record, signed, waiting, story)
    if "event" in record:
        record["source"] = f"{SOURCE}/{story.name}"
    if "content" in record:
        record["content"] = _content(installation.settings, record)
    if "customer" in record:
        record["customer"] = f"{story.name}.{record['customer']}"
    if record.pop("is_cancelled", None):
        _cancel(installation, record["document"])
    return record


def _content(settings, record):
    """Digest of the content of an event that came first, or last."""
    with open_warehouse(settings) as connection:
        rows = connection.execute(CONTENTS, [record["source"], record["event"]]).fetchall()
    return rows[{"first": 0, "last": -1}[record["content"]]][0]


def documents_to_hold(settings, stories, number):
    """Ids of the candidate documents that stories hold at a close."""
    waiting = _waiting_documents(settings)
    return {
        waiting[story.name, name] for story in stories for name in story.closes[number - 1].hold
    }


def read_revision_documents(settings, revision):
    """Ids of the documents of a revision."""
    register = Register(settings.register)
    documents = read_revision(
        register.folder, register.chain(), revision, role="documents", schema=DOCUMENT_SCHEMA
    )
    return documents["document_id"].to_pylist()


def _signed_documents(settings):
    """Documents that stand, by story: (close, kind and amount, id)."""
    by_document, released = defaultdict(list), set()
    for entry in Register(settings.register).entries().to_pylist():
        if entry["document_id"]:
            by_document[entry["document_id"]].append(entry)
        elif entry["entry_kind"] == "release":
            released.add(entry["original_document_id"])
    found = defaultdict(list)
    for document_id, lines in by_document.items():
        amount = sum((line["amount"] for line in lines), Decimal(0))
        text = f"{lines[0]['signed_at'].month - 1}: {lines[0]['document_kind']} {plain(amount)}"
        if document_id not in released:
            story = lines[0]["customer_id"].split(".", 1)[0]
            found[story].append((text, document_id, amount, lines[0]["original_document_id"]))
    return found


def _waiting_documents(settings):
    with open_warehouse(settings) as connection:
        rows = connection.execute(HELD_DOCUMENTS).fetchall()
    return {
        (customer_id.split(".", 1)[0], f"{kind} {plain(amount)}"): document_id
        for customer_id, kind, document_id, amount in rows
    }


def _document(record, signed, waiting, story):
    """Id of the document that a record names, and the amount that it says or that it comes to."""
    name = record["document"]
    for text, document_id, amount, _ in signed[story.name]:
        if name in {text, document_id}:
            return document_id, record.get("amount", f"{amount:f}")
    return waiting[story.name, name], record["amount"]


def _cancel(installation, document_id):
    [key] = {
        entry["posting_key"]
        for entry in Register(installation.settings.register).entries().to_pylist()
        if entry["document_id"] == document_id
    }
    erp = installation.open_erp()
    [document] = erp.find_by_key(key)
    erp.ledger.cancel(document.erp_document_id)


def _drawn(seed, documents):
    """A random record about a document that nothing corrects and that is to be paid, if any."""
    dice = random.Random(seed)  # noqa: S311 — repeatable tests, no secrets
    corrected = {original for *_, original in documents}
    standing = [
        (document_id, amount)
        for _, document_id, amount, _ in sorted(documents)
        if amount > 0 and document_id not in corrected
    ]
    if not standing:
        return None
    document_id, amount = dice.choice(standing)
    kind = dice.choice(["external", "concession", "release"])
    if kind == "release":
        return {"kind": kind, "document": document_id, "is_cancelled": True}
    part = (amount * dice.randrange(1, 100) / 100).quantize(Decimal("0.01"))
    made = {"kind": kind, "document": document_id, "erp_document": f"CM-{seed}"}
    return made | {"amount": f"-{max(part, Decimal('0.01')):f}"}
