"""The policy that counts is the one of the reference version that the revision pinned."""

import pytest
from billing_rows import VERSION

from orchestration.billing.policies import pinned_policy
from orchestration.billing.refusals import PolicyMissingError

POLICY = """
sign_off:
  approvers:
    - {name: olivia@example.com, legal_entities: [us], up_to_amount: {USD: "500.00"}}
  four_eyes: false
"""


def put_policy(world, version, text):
    source = world.settings.reference_versions / version / "source"
    source.mkdir(parents=True)
    (source / "policy.yml").write_text(text)


def test_the_policy_of_the_pinned_version_is_read_and_no_other(world):
    put_policy(world, VERSION, POLICY)
    put_policy(world, "ffff", POLICY.replace("olivia", "mallory"))
    found = pinned_policy(world.settings, VERSION)
    assert ["olivia@example.com"] == [approver.name for approver in found.approvers]
    assert not found.four_eyes


def test_a_version_without_a_policy_lets_nobody_sign(world):
    with pytest.raises(PolicyMissingError) as refused:
        pinned_policy(world.settings, VERSION)
    assert "policy_missing" == refused.value.code
