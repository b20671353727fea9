"""Whether a person may sign a file of records: the approvers, limits and four eyes of the policy.

Belongs here: the rules over the file's author and the entries that it becomes. Does not belong
here: how a person is verified (defs/sign_off), the same rules for revisions (billing).
"""

from decimal import Decimal

import pyarrow as pa

from orchestration.billing.refusals import (
    AmountAboveLimitError,
    EntityNotAllowedError,
    FourEyesError,
    SignerNotApproverError,
)
from orchestration.billing.sign_off_rules import Signer
from orchestration.price_book.currencies import money_text
from orchestration.price_book.policy import SignOffPolicy
from orchestration.recording.models import RecordsFile


def refuse_unauthorised(
    signer: Signer, policy: SignOffPolicy, file: RecordsFile, entries: pa.Table
) -> None:
    """Let only an approver sign, within legal entities and limits, and not the file's author.

    Args:
        signer: who signs.
        policy: of the reference version in force.
        file: with its author.
        entries: ENTRY_SCHEMA; their amounts count without signs, by legal entity and currency.

    Raises:
        SignerNotApproverError, EntityNotAllowedError, AmountAboveLimitError, FourEyesError: which
            rule stands in the way.
    """
    tried = f"Tried to sign the records of {file.name} as {signer.name!r}"
    approver = policy.approver(signer.name)
    if approver is None:
        raise SignerNotApproverError(
            f"{tried}, who is not an approver in policy.yml. Let an approver sign, or add the name "
            "and load the reference."
        )
    if policy.four_eyes and file.author.strip().casefold() == signer.name.strip().casefold():
        raise FourEyesError(f"{tried}, the author of the file. Let another approver sign.")
    if file.event_records and approver.legal_entities is not None:
        raise EntityNotAllowedError(
            f"{tried}, who may sign for {', '.join(approver.legal_entities)} alone, and an event "
            "may be of any legal entity. Let an approver of all of them sign."
        )
    for legal_entity_id, amounts in _amounts(entries).items():
        if approver.legal_entities is not None and legal_entity_id not in approver.legal_entities:
            raise EntityNotAllowedError(
                f"{tried}, who may not sign for {legal_entity_id}. Let one of its approvers sign."
            )
        if not approver.may_approve(legal_entity_id, amounts):
            listed = "; ".join(
                f"{currency} {money_text(amount, currency)}"
                for currency, amount in sorted(amounts.items())
            )
            raise AmountAboveLimitError(
                f"{tried}: the records of {legal_entity_id} add up to {listed}, counted without "
                "their signs, which is above the limit in policy.yml. Let an approver with a "
                "higher limit sign."
            )


def _amounts(entries: pa.Table) -> dict[str, dict[str, Decimal]]:
    amounts: dict[str, dict[str, Decimal]] = {}
    for entity, currency, amount in zip(
        *(entries[name].to_pylist() for name in ("legal_entity_id", "currency_code", "amount")),
        strict=True,
    ):
        by_currency = amounts.setdefault(str(entity), {})
        by_currency[str(currency)] = by_currency.get(str(currency), Decimal(0)) + abs(amount)
    return amounts
