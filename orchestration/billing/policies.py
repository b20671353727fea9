"""The policy that a revision pinned: the one of its own reference version.

Belongs here: finding it. Does not belong here: what a policy may say (price_book/policy.py), what
follows from it (sign_off_rules.py).
"""

from orchestration.billing.policy_inputs import stated_policy
from orchestration.billing.refusals import PolicyMissingError
from orchestration.price_book import ReferenceVersion
from orchestration.price_book.policy import Policy, SignOffPolicy
from orchestration.settings import Settings


def pinned_rules(settings: Settings, reference_version: str) -> Policy | None:
    """The policy of a stored reference version; None where it has none.

    Raises:
        ReferenceDamagedError: its policy.yml was changed after the version was made.
    """
    return stated_policy(_version(settings, reference_version))


def pinned_policy(settings: Settings, reference_version: str) -> SignOffPolicy:
    """The sign-off policy of a stored reference version.

    A policy that changed since counts from the next freeze on, which pins it.

    Raises:
        PolicyMissingError: that version has no policy.yml, so nobody may sign.
        ReferenceDamagedError: its policy.yml was changed after the version was made.
    """
    policy = pinned_rules(settings, reference_version)
    if policy is None:
        raise PolicyMissingError(
            f"Looked for policy.yml in the reference version {reference_version}: there is none, "
            "so nobody may sign. Write one, load the reference, run the pipeline and freeze again."
        )
    return policy.sign_off


def _version(settings: Settings, reference_version: str) -> ReferenceVersion:
    return ReferenceVersion(
        reference_version=reference_version,
        folder=settings.reference_versions / reference_version,
        is_new=False,
    )
