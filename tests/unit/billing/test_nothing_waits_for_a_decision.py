"""A decision about a period of which nothing waits: who decided, when, and what to do instead.

Belongs here: the answer of `tallyhouse sign-off` without --entity. Does not belong here: what stops
the signature of a revision that waits.
"""

import json

import pytest
from billing_rows import PERIOD, Line
from signing import frozen
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli_answers import ExitCode
from orchestration.data_directory import initialise
from orchestration.failures import RefusedError
from orchestration.period_close import refuse_nothing_to_decide
from orchestration.pipeline import Installation


def refusal(world):
    with pytest.raises(RefusedError) as error:
        refuse_nothing_to_decide(Installation(world.settings), billing_period=PERIOD)
    return error.value.code, str(error.value)


def test_a_signed_period_names_who_signed_it_and_when_and_goes_on_to_post(world):
    world.sign(frozen(world).revision_id)

    code, message = refusal(world)

    assert "already_signed" == code
    assert "us:2026-10:r1 was signed by" in message
    assert f"{world.register.chain()[-1].subject['signer']} at 2026-11-02 10:00 UTC" in message
    assert "`tallyhouse post`" in message


def test_only_the_latest_decision_of_a_period_is_named(world):
    world.sign(frozen(world).revision_id, decision="reject", note="wrong price")
    world.put_candidates(Line(rated="101.00"))
    [second] = world.freeze()
    world.sign(second.revision_id)

    code, message = refusal(world)

    assert "already_signed" == code
    assert "us:2026-10:r2 was signed" in message
    assert "us:2026-10:r1" not in message


def test_a_rejected_period_is_corrected_and_closed_again(world):
    world.sign(frozen(world).revision_id, decision="reject", note="wrong price")

    code, message = refusal(world)

    assert "already_rejected" == code
    assert "us:2026-10:r1 was rejected by" in message
    assert "`tallyhouse run --period 2026-10`" in message


def test_a_period_of_which_nothing_is_frozen_is_closed_first(world):
    code, message = refusal(world)

    assert "revision_unknown" == code
    assert "`tallyhouse run --period 2026-10`" in message


def test_a_period_that_waits_is_not_refused(world):
    frozen(world)

    refuse_nothing_to_decide(Installation(world.settings), billing_period=PERIOD)


def test_the_command_refuses_a_signed_period_and_exits_with_three(world):
    initialise(world.settings)
    world.sign(frozen(world).revision_id)
    before = world.register.head()
    arguments = ["sign-off", "--period", PERIOD, "--data-dir", str(world.data_dir), "--json"]

    result = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert ExitCode.REFUSED == result.exit_code
    assert "already_signed" == json.loads(result.stdout)["error"]["code"]
    assert before == world.register.head()
