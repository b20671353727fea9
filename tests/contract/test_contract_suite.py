"""The shared contract suite over every adapter and mode, and proof that it catches liars."""

from datetime import timedelta

import crm_promises
import erp_promises
import pytest

from adapters.errors import UnknownOutcomeError
from adapters.models import ErpCurrency, ErpCustomer, ErpLegalEntity, ErpMasters, IdempotencyClass
from adapters.registry import CRM_NAMES, ERP_CLASSES, crm_adapter, erp_adapter
from adapters.sandbox.erp import SandboxErp
from adapters.sandbox.faults import NO_FAULTS

MASTERS = ErpMasters(
    legal_entities=(ErpLegalEntity(legal_entity_id="us", legal_entity_name="US Inc"),),
    customers=(ErpCustomer(customer_id="acme", customer_name="Acme"),),
    items=("TOKENS",),
    currencies=(ErpCurrency(currency_code="USD", minor_unit=2),),
)


def sandbox_account(folder, name, adapter_class=None):
    clock = erp_promises.AccountClock()

    def opened(faults):
        if adapter_class is None:
            return erp_adapter(name, sandbox_folder=folder, now_fn=clock.now, faults=faults)
        return adapter_class(
            folder,
            name=name,
            idempotency_class=ERP_CLASSES[name],
            now_fn=clock.now,
            faults=faults,
        )

    opened(NO_FAULTS).load_masters(MASTERS)
    return erp_promises.ErpAccount(open=opened, advance=clock.advance)


@pytest.mark.parametrize("promise", erp_promises.PROMISES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", ERP_CLASSES)
def test_every_erp_adapter_keeps(name, promise, tmp_path):
    promise(sandbox_account(tmp_path, name))


@pytest.mark.parametrize("promise", crm_promises.PROMISES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", CRM_NAMES)
def test_every_crm_adapter_keeps(name, promise, tmp_path):
    clock = erp_promises.AccountClock()
    promise(
        crm_promises.CrmAccount(
            open=lambda faults: crm_adapter(
                name, sandbox_folder=tmp_path, now_fn=clock.now, faults=faults
            )
        )
    )


class ClaimsAKeyItHasNot(SandboxErp):
    """Declares class A over books that take two documents under one key."""

    def __init__(self, folder, **arguments):
        super().__init__(folder, **arguments)
        self.idempotency_class = IdempotencyClass.SERVER_KEY


class LooksUpInAReplica(SandboxErp):
    """Answers find_by_key from documents as they were a minute ago."""

    def find_by_key(self, posting_key):
        until = self._now_fn() - timedelta(seconds=60)
        return tuple(
            each
            for each in self.ledger.changed_between(None, until)
            if each.posting_key == posting_key
        )


class CallsALostAnswerARejection(SandboxErp):
    """Says "rejected" where the truth is that nobody knows."""

    def create_draft(self, document, *, correlation_id):
        try:
            return super().create_draft(document, correlation_id=correlation_id)
        except UnknownOutcomeError as error:
            raise erp_promises.RejectedError("refused") from error


class SettlesTooLate(SandboxErp):
    """States half the time that its server may take."""

    def __init__(self, folder, **arguments):
        super().__init__(folder, **arguments)
        self.limits = self.limits.model_copy(
            update={"settle_seconds": self.limits.settle_seconds / 2}
        )


class RoundsQuantities(SandboxErp):
    """Keeps two decimals of a quantity and does not say so."""

    def find_by_key(self, posting_key):
        return tuple(
            each.model_copy(
                update={
                    "lines": tuple(
                        line.model_copy(update={"quantity": round(line.quantity, 2)})
                        for line in each.lines
                    )
                }
            )
            for each in super().find_by_key(posting_key)
        )


@pytest.mark.parametrize(
    ("liar", "broken_promise"),
    [
        (ClaimsAKeyItHasNot, "the_declared_class_is_what_happens_to_a_second_create"),
        (LooksUpInAReplica, "a_key_is_looked_up_where_the_write_went"),
        (CallsALostAnswerARejection, "after_a_lost_answer_the_key_finds_what_was_done"),
        (SettlesTooLate, "what_is_not_there_after_the_stated_time_never_comes"),
        (RoundsQuantities, "a_document_comes_back_exactly_as_it_was_sent"),
    ],
)
def test_the_suite_fails_an_adapter_that(liar, broken_promise, tmp_path):
    promise = getattr(erp_promises, broken_promise)
    promise(sandbox_account(tmp_path / "honest", "sandbox_draft_then_post"))
    account = sandbox_account(tmp_path / "liar", "sandbox_draft_then_post", liar)
    with pytest.raises((AssertionError, pytest.fail.Exception, erp_promises.RejectedError)):
        promise(account)
