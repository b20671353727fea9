"""A month of the sample, from landing files to the ERP, against its generator's figures."""

import re
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.pipeline import push_signals, read_conservation

pytestmark = pytest.mark.slow

MONTH = "2026-09"
# What docs/reference/codes.md calls each fault that the generator makes.
CODE_OF_KIND = {
    "time_far_in_the_future": "time_in_future",
    "time_far_in_the_past": "time_too_old",
    "quantity_not_a_number": "number_not_finite",
    "quantity_infinite": "number_not_finite",
    "quantity_out_of_range": "number_too_large",
    "quantity_as_text": "property_wrong_type",
    "quantity_negative": "property_out_of_range",
    "quantity_fractional": "property_wrong_type",
    "property_not_declared": "property_not_allowed",
    "property_outside_its_list": "property_out_of_range",
    "unknown_event_type": "unknown_contract",
    "unknown_contract_version": "unknown_contract",
}
AMOUNTS_OF_LINES = """
    select posting_key, document_id, currency_code, legal_entity_id, bill_to_customer_id,
        sum(amount) as amount, count(*) as line_count
    from staging.stg_register__entries group by all order by posting_key
"""


def total_by(rows, name):
    totals = defaultdict(Decimal)
    for row in rows:
        totals[row[name]] += Decimal(row["quantity"])
    return dict(totals)


def test_every_line_read_is_accepted_or_rejected_as_the_truth_says(signed_month):
    """Invariant 1."""
    lines = signed_month.truth["lines"]
    loaded = signed_month.loaded
    assert (lines["read"], lines["accepted"], lines["rejected"]) == (
        loaded.lines_read,
        loaded.lines_accepted,
        loaded.lines_rejected,
    )
    assert [(lines["read"], lines["accepted"], lines["rejected"])] == signed_month.house.rows(
        "select lines_read, lines_accepted, lines_rejected from staging.stg_ingestion__batches"
    )


def test_every_bad_line_is_rejected_for_its_own_reason_and_keeps_its_text(signed_month):
    """Invariant 1."""
    expected = Counter()
    for kind, count in signed_month.truth["lines"]["rejected_by_kind"].items():
        expected[CODE_OF_KIND.get(kind, kind)] += count
    rows = signed_month.house.rows(
        "select reject_code, count(*), count(*) filter (length(raw_text) > 0) "
        "from staging.stg_usage__rejects group by reject_code"
    )
    assert dict(expected) == {code: count for code, count, _ in rows}
    assert dict(expected) == {code: count for code, _, count in rows}


def test_the_file_that_was_cut_short_is_refused_as_a_whole_and_the_others_count(signed_month):
    """Invariant 12."""
    files = signed_month.truth["files"]
    rows = signed_month.house.rows("select status, path, code from staging.stg_ingestion__files")
    refused = [(path, code) for status, path, code in rows if status == "refused"]
    assert [(f"landing/usage/{name}", "truncated_file") for name in files["truncated"]] == refused
    assert files["readable"] == sum(status == "accepted" for status, _, _ in rows)


def test_repeats_and_conflicts_are_set_aside_and_the_rest_is_unique(signed_month):
    """Invariant 2."""
    events = signed_month.truth["events"]
    set_aside = dict(
        signed_month.house.rows(
            "select set_aside_reason, count(*) from intermediate.int_events__set_aside "
            "group by set_aside_reason"
        )
    )
    conflicting = signed_month.house.rows(
        "select count(distinct (event_source, event_id)) from intermediate.int_events__set_aside "
        "where set_aside_reason = 'conflicting'"
    )
    unique = signed_month.house.rows(
        "select sum(event_count) from intermediate.int_events__counted"
    )
    assert {
        "exact_repeat": events["exact_repeats"],
        "conflicting": events["conflicting_rows"],
    } == set_aside
    assert [(events["conflicting_identities"],)] == conflicting
    assert [(events["unique"],)] == unique


def test_events_that_no_invoice_can_take_are_exceptions_by_their_reason(signed_month):
    """Invariants 3 and 4."""
    unresolved = signed_month.truth["unresolved"]
    rows = signed_month.house.rows(
        "select exception_code, object_id, sum(event_count) from billing.fct_exceptions "
        "where exception_code in ('unmapped_subject', 'no_contract', 'unpriced_usage') "
        "group by all"
    )
    by_code = defaultdict(dict)
    for code, object_id, event_count in rows:
        by_code[code][object_id.split(" ", 1)[1]] = event_count
    jobs = sum(unresolved["events_without_price"].values())
    assert unresolved["events_without_identity"] == by_code["unmapped_subject"]
    assert unresolved["events_without_contract"] == by_code["no_contract"]
    assert {"core_seconds": jobs, "peak_memory_gb": jobs} == by_code["unpriced_usage"]


def test_every_tenant_month_and_meter_has_the_events_and_the_quantity_of_the_truth(signed_month):
    """Invariant 3, every aggregation, in the month of the contract's own time zone."""
    expected = {
        (row["system_id"], row["external_id"], row["month"], row["meter_id"], row["dimension"]): (
            row["event_count"],
            Decimal(row["quantity"]),
        )
        for row in signed_month.truth["quantities"]
    }
    rows = signed_month.house.rows(
        """
        with metered as (
            select system_id, subject, strftime(local_date, '%Y-%m') as month, meter_id,
                coalesce(json_extract_string(dimension_key, '$.model'), '') as dimension,
                sum(event_count) as event_count,
                sum(quantity_sum) as quantity_sum,
                max(quantity_max) as quantity_max,
                arg_max(latest_quantity, (latest_event_at, latest_event_nanos,
                    latest_event_source, latest_event_id)) as latest_quantity
            from intermediate.int_usage__metered
            group by all
        ),
        people as (
            select system_id, subject, strftime(local_date, '%Y-%m') as month, meter_id,
                count(distinct distinct_value) as quantity
            from intermediate.int_usage__distinct_values
            group by all
        )
        select metered.system_id, metered.subject, metered.month, metered.meter_id, dimension,
            event_count,
            case aggregation
                when 'count' then event_count
                when 'sum' then quantity_sum
                when 'max' then quantity_max
                when 'latest' then latest_quantity
                else people.quantity
            end
        from metered
        inner join staging.stg_price_book__meters as meters using (meter_id)
        left join people using (system_id, subject, month, meter_id)
        """
    )
    assert expected == {row[:5]: (row[5], Decimal(row[6])) for row in rows}


def test_what_the_truth_sums_is_rated_or_excepted_to_the_last_unit(signed_month):
    """Invariants 3 and 4: file lines to rated lines, past every step between."""
    additive = ("api_calls", "egress_bytes", "input_tokens", "output_tokens", "core_seconds")
    expected = total_by(signed_month.truth["quantities"], "meter_id")
    found = defaultdict(Decimal)
    for query in (
        "select meter_id, sum(quantity) from rating.fct_rated_lines group by meter_id",
        "select meter_id, sum(quantity) from billing.int_usage__unresolved group by meter_id",
        """
        select split_part(object_id, ' ', 2), sum(quantity_at_risk) from billing.fct_exceptions
        where exception_code = 'unpriced_usage' group by 1
        """,
    ):
        for meter_id, quantity in signed_month.house.rows(query):
            found[meter_id] += quantity or 0
    assert {meter_id: expected[meter_id] for meter_id in additive} == {
        meter_id: found[meter_id] for meter_id in additive
    }


def test_every_invariant_is_computed_and_held_before_the_signature_and_after_posting(signed_month):
    """Invariants 1 to 7."""
    figures = read_conservation(signed_month.house.installation)
    assert [] == signed_month.broken_before
    assert [] == [figure.check_name for figure in figures if not figure.is_passed]
    assert {1, 2, 3, 4, 5, 6, 7} == {figure.invariant_number for figure in figures}


def test_what_is_signed_is_what_the_candidates_said(signed_month):
    """Invariant 10."""
    expected = [
        (each["document_id"], each["currency_code"], each["amount"], each["line_count"])
        for each in signed_month.candidates
    ]
    signed = [
        (each["document_id"], each["currency_code"], each["amount"], each["line_count"])
        for each in signed_month.house.mappings(AMOUNTS_OF_LINES)
    ]
    assert len(expected) > 30
    assert sorted(expected) == sorted(signed)
    assert ["de_gmbh", "jp_kk", "us_inc"] == [
        revision.legal_entity_id for revision in signed_month.revisions
    ]


def test_every_signed_document_is_in_the_erp_once_with_equal_amounts(signed_month):
    """Invariants 7 and 11, asked of the ERP itself."""
    expected = [
        (
            each["posting_key"],
            each["legal_entity_id"],
            each["bill_to_customer_id"],
            each["currency_code"],
            each["amount"],
            each["line_count"],
        )
        for each in signed_month.house.mappings(AMOUNTS_OF_LINES)
    ]
    held = [
        (
            each.posting_key,
            each.legal_entity_id,
            each.customer_id,
            each.currency_code,
            each.total_amount,
            len(each.lines),
        )
        for each in signed_month.house.erp_documents()
    ]
    assert expected == sorted(held)
    assert (len(expected), len(expected)) == (signed_month.posted.posted, signed_month.read_count)


def test_the_books_say_that_the_erp_holds_every_signed_line(signed_month):
    """Invariant 7: figures above zero, equal on both sides."""
    signed_lines = Counter(
        entry["legal_entity_id"] for entry in signed_month.house.register_entries()
    )
    rows = signed_month.house.rows(
        "select scope_id, left_figure, right_figure, is_held from reconciliation.fct_conservation "
        "where check_name = 'erp_documents_equal_the_register' and scope_kind = 'legal_entity'"
    )
    assert [
        (entity, Decimal(count), Decimal(count), True)
        for entity, count in sorted(signed_lines.items())
    ] == rows
    assert all(count > 0 for count in signed_lines.values())


def test_the_signed_month_has_no_candidates_left_and_the_others_keep_theirs(signed_month):
    """Invariant 6."""
    documents = signed_month.house.mappings(
        "select * from billing.fct_invoice_candidates order by document_id"
    )
    assert [] == [each for each in documents if each["billing_period"] == MONTH]
    assert signed_month.other_candidates == documents


def test_signals_are_pushed_once_and_a_second_push_writes_nothing(signed_month, tmp_path):
    """Invariant 9, towards the CRM."""
    house = signed_month.house.copy(tmp_path / "data")
    first = push_signals(house.installation)
    second = push_signals(house.installation)
    assert min(summary.written for summary in first.values()) > 0
    assert dict.fromkeys(first, 0) == {
        period: summary.written for period, summary in second.items()
    }
    assert dict.fromkeys(first, 0) == {
        period: summary.refused + summary.unknown + summary.delayed
        for period, summary in first.items()
    }


def test_the_lines_that_the_tour_shows_are_rated_lines_of_the_sample(signed_month):
    """Ids of lines follow from contract, charge, cell and segment, not from how much was used."""
    tour = (Path(__file__).parents[2] / "docs" / "tour.md").read_text("utf-8")
    shown = set(re.findall(r"\b[0-9a-f]{32}\b", tour))
    rated = {
        line_id
        for (line_id,) in signed_month.house.rows(
            "select rated_line_id from rating.fct_rated_lines"
        )
    }
    assert shown
    assert set() == shown - rated
