import pytest

from orchestration.billing.posting_keys import POSTING_KEY_PATTERN, posting_key

IDENTITY = {
    "tenant_id": "default",
    "legal_entity_id": "us",
    "bill_to_customer_id": "acme",
    "currency_code": "USD",
    "billing_period": "2026-10",
    "document_kind": "invoice",
    "revision_number": 1,
    "first_settlement_key": "us|acme|tokens|2026-10-01",
    "original_document_id": None,
    "run_period": "2026-10",
}


def test_a_posting_key_never_changes_because_erps_hold_documents_under_it():
    assert "UKMUMRS5MPL477JOXX" == posting_key(**IDENTITY)


def test_a_posting_key_has_eighteen_characters_that_every_vendor_takes():
    assert POSTING_KEY_PATTERN.match(posting_key(**IDENTITY))
    assert 18 == len(posting_key(**IDENTITY))


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "other"},
        {"legal_entity_id": "de"},
        {"bill_to_customer_id": "bolt"},
        {"currency_code": "EUR"},
        {"billing_period": "2026-11"},
        {"document_kind": "credit_memo"},
        {"revision_number": 2},
        {"first_settlement_key": "us|acme|storage|2026-10-01"},
        {"original_document_id": "INV-us-acme"},
        {"run_period": "2026-11"},
    ],
)
def test_every_part_of_the_identity_changes_the_posting_key(change):
    assert posting_key(**IDENTITY) != posting_key(**(IDENTITY | change))
