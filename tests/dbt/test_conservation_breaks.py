"""Each conservation check goes red for what it is there to find, and names where.

One sound build; then rows are changed behind the models' back, the figures are computed again by
the model's own compiled SQL, and the change is rolled back.
"""

from decimal import Decimal

import duckdb
import pytest
from sound_warehouse import sound_warehouse

from orchestration.dbt import dbt_target


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return sound_warehouse(tmp_path_factory.mktemp("conservation"))


def answered(warehouse, question, *statements):
    """What the figures answer after some statements, which are taken back."""
    compiled = dbt_target(warehouse.settings) / "compiled" / "tallyhouse" / "models"
    with duckdb.connect(warehouse.settings.warehouse_file) as connection:
        connection.execute("begin")
        for statement in statements:
            connection.execute(statement)
        for model in FIGURES:
            figures = (compiled / "reconciliation" / f"{model}.sql").read_text("utf-8")
            connection.execute(f"create or replace table reconciliation.{model} as {figures}")
        rows = connection.execute(question).fetchall()
        connection.execute("rollback")
    return rows


def red_checks(warehouse, *statements):
    red = answered(
        warehouse,
        "select check_name from reconciliation.fct_conservation "
        "where scope_kind = 'all' and not is_held",
        *statements,
    )
    return {name for (name,) in red}


def as_table(view):
    """Let rows of a staging view be changed."""
    return (
        f"create table main.{view} as from staging.{view}; drop view staging.{view}; "
        f"create table staging.{view} as from main.{view}"
    )


BREAKS = {
    "an announced day without usage": (
        ("delete from intermediate.int_source_days__arrived where event_date = date '2026-10-29'"),
        {"announced_source_days_have_arrived"},
    ),
    "a quiet day that nobody declared": (
        "delete from staging.stg_reference__quiet_days",
        {"announced_source_days_have_arrived"},
    ),
    "a day whose grace has ended since": (
        (
            "update staging.stg_ingestion__batches "
            "set started_at = timestamp '2026-11-02 12:00:00' where ingestion_batch_id = 1"
        ),
        {"announced_source_days_have_arrived"},
    ),
    "a file of a day that got lost": (
        "update intermediate.int_control_totals__arrived set quantity = 0",
        {"control_totals_agree_after_their_grace"},
    ),
    "a control total that did not come": (
        "delete from intermediate.int_control_totals__standing",
        {"control_totals_agree_after_their_grace"},
    ),
    "a raw row that no manifest counts": (
        "update staging.stg_ingestion__batches set lines_read = 7",
        {"every_line_read_is_accepted_or_rejected"},
    ),
    "an event that vanished in de-duplication": (
        "delete from intermediate.int_events__set_aside where set_aside_reason = 'exact_repeat'",
        {"accepted_events_are_unique_repeated_or_conflicting"},
    ),
    "a conflict that no steward can see": (
        "delete from intermediate.int_event_contents__kept where content_standing = 'conflicting'",
        {"contents_set_aside_are_listed_for_stewards"},
    ),
    "a dropped content that counts all the same": (
        "delete from intermediate.int_events__set_aside where set_aside_reason = 'dropped'",
        {
            "accepted_events_are_unique_repeated_or_conflicting",
            "contents_set_aside_are_listed_for_stewards",
        },
    ),
    "a retraction that nobody recorded": (
        "delete from intermediate.int_event_contents__kept where content_standing = 'retracted'",
        {"contents_set_aside_are_listed_for_stewards", "unique_events_are_resolved_or_excepted"},
    ),
    "a retracted event that was not set aside": (
        (
            "update intermediate.int_events__set_aside set set_aside_reason = 'conflicting' "
            "where set_aside_reason = 'retracted'"
        ),
        {
            "contents_set_aside_are_listed_for_stewards",
            "unique_events_are_resolved_or_excepted",
            "retracted_quantity_is_set_aside",
            "unique_quantity_is_resolved_or_excepted",
        },
    ),
    "an unresolved event without an exception": (
        "delete from billing.fct_exceptions where exception_code = 'unmapped_subject'",
        {"unique_events_are_resolved_or_excepted"},
    ),
    "metered usage that nobody received": (
        "update rating.fct_metered_usage set quantity = 9 where contract_id = 'third'",
        {"unique_quantity_is_resolved_or_excepted", "resolved_quantity_equals_rated_quantity"},
    ),
    "usage that was not rated": (
        "update rating.fct_rated_lines set quantity = 9 where customer_id = 'customer-due'",
        {"resolved_quantity_equals_rated_quantity", "variances_of_quantities_are_explained"},
    ),
    "a tier that lost a cent": (
        "update rating.fct_rated_line_tiers set amount = amount - 0.01",
        {"documents_equal_their_lines_and_lines_their_tiers", "line_amounts_equal_tier_amounts"},
    ),
    "a document that is not its lines": (
        "update billing.fct_invoice_candidates set amount = amount + 1",
        {
            "documents_equal_their_lines_and_lines_their_tiers",
            "document_amounts_equal_line_amounts",
            "due_amount_is_on_documents_or_drawn_from_credits",
        },
    ),
    "credit that pays for nothing": (
        "update billing.int_credits__drawn set drawn_amount = drawn_amount + 0.01",
        {"due_amount_is_on_documents_or_drawn_from_credits"},
    ),
    "credit that was made up": (
        "update billing.fct_credit_ledger set quantity = 5 where account = 'drawn'",
        {"credit_granted_is_drawn_expired_or_open"},
    ),
    "a draw beyond what was granted": (
        (
            "update billing.fct_credit_ledger set quantity = sign(quantity) * 5 "
            "where movement_kind = 'drawn'"
        ),
        {"credit_granted_is_drawn_expired_or_open"},
    ),
    "an expected charge without an outcome": (
        "update reconciliation.fct_outcomes set is_rated = false where charge_id = 'usage'",
        {"every_expected_charge_has_exactly_one_outcome"},
    ),
    "a key that is billed twice": (
        (
            "update billing.fct_invoice_candidate_lines set amount = amount * 2; "
            "update billing.fct_invoice_candidates set amount = amount * 2"
        ),
        {
            "rated_amount_is_billed_due_or_held",
            "due_amount_is_on_documents_or_drawn_from_credits",
            "variances_of_amounts_are_explained",
        },
    ),
    "an ERP document that was edited": (
        (
            "update staging.stg_operations__erp_documents "
            "set total_amount = 9, lines = replace(lines, '10.0000', '9.0000')"
        ),
        {"erp_documents_equal_the_register", "erp_amounts_equal_signed_amounts"},
    ),
    "an ERP document for someone else": (
        "update staging.stg_operations__erp_documents set customer_id = 'customer-due'",
        {"erp_documents_equal_the_register"},
    ),
    "an ERP document that nobody signed": (
        (
            "insert into staging.stg_operations__erp_documents "
            "select * replace ('#2' as posting_key) from staging.stg_operations__erp_documents"
        ),
        {"erp_documents_equal_the_register"},
    ),
}
FIGURES = (
    "fct_source_days",
    "fct_control_totals",
    "int_source_days__checkpointed",
    "int_control_totals__checkpointed",
    "int_events__checkpointed",
    "int_quantities__checkpointed",
    "int_entries__posted",
    "int_amounts__checkpointed",
    "int_checkpoints__figured",
    "fct_checkpoint_reasons",
    "fct_checkpoints",
    "int_checkpoints__conserved",
    "int_events__conserved",
    "int_quantities__conserved",
    "int_amounts__conserved",
    "int_erp_lines__conserved",
    "fct_conservation",
)
STAGED = (
    "stg_ingestion__batches",
    "stg_operations__erp_documents",
    "stg_reference__quiet_days",
    "stg_register__entries",
    "stg_usage__rejects",
)
RESTS = {
    "a rejected line whose text is gone": (
        "delete from staging.stg_usage__rejects",
        ("events", "accepted", 1, None, None),
    ),
    "an event that came twice and was kept once": (
        "delete from intermediate.int_events__set_aside where set_aside_reason = 'exact_repeat'",
        ("events", "unique", 1, None, None),
    ),
    "unresolved usage that no code names": (
        "update intermediate.int_events__counted set resolution_code = null",
        ("events", "resolved", 1, None, None),
    ),
    "a rated line that lost a unit": (
        "update rating.fct_rated_lines set quantity = 9 where customer_id = 'customer-due'",
        ("quantities", "rated", 0, Decimal(1), None),
    ),
    "a rated line that went missing": (
        "delete from rating.fct_rated_lines where customer_id = 'customer-third'",
        ("amounts", "candidate", 1, None, Decimal(10)),
    ),
    "a candidate line that went missing": (
        (
            "delete from billing.fct_invoice_candidate_lines "
            "where customer_id = 'customer-third' and credit_grant_id is null"
        ),
        ("amounts", "candidate", 1, None, Decimal(10)),
    ),
    "an entry that nobody counted as billed": (
        (
            "update billing.int_settlements__compared set billed_amount = 0, "
            "is_in_register = false where customer_id = 'customer-signed'"
        ),
        ("amounts", "signed", 1, None, Decimal(10)),
    ),
}


def test_a_sound_month_holds_every_check(sound):
    """Invariants 1 to 7."""
    assert set() == red_checks(sound)


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_invariant_turns_its_check_red(sound, name):
    """Invariants 1 to 7."""
    statement, expected = BREAKS[name]
    assert expected == red_checks(sound, *map(as_table, STAGED), statement)


def test_a_sound_month_has_no_variance_that_its_reasons_do_not_explain(sound):
    unexplained = "from reconciliation.fct_checkpoints where not is_explained"
    assert [] == answered(sound, unexplained)


@pytest.mark.parametrize("name", RESTS)
def test_a_row_lost_between_two_checkpoints_is_found_as_an_unexplained_rest(sound, name):
    """Invariants 3, 4 and 6."""
    statement, rest = RESTS[name]
    found = answered(
        sound,
        "select leg, checkpoint_name, abs(unexplained_count), abs(unexplained_quantity), "
        "abs(unexplained_amount) from reconciliation.fct_checkpoints "
        "where not is_explained order by checkpoint_number",
        *map(as_table, STAGED),
        statement,
    )
    assert rest in found
