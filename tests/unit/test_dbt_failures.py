"""What a person reads when dbt fails: which node, what is wrong, where the rest is."""

from pathlib import Path

import pytest

from orchestration.dbt_failures import errors_in, failure_message

LOG = Path("/data/warehouse/dbt/dbt.log")
OF_DAGSTER = """The dbt CLI process with command

`dbt build --select a b c`

failed with exit code `1`. Check the stdout in the Dagster compute logs for the full information.

Errors parsed from dbt logs:

166 of 272 FAIL 122 keys_are_unique  [\x1b[31mFAIL 122\x1b[0m in 0.03s]

\x1b[31mFailure in test keys_are_unique (models/a.yml)\x1b[0m

  Got 122 results, configured to fail if != 0

170 of 272 ERROR creating sql table model main.b  [\x1b[31mERROR\x1b[0m in 0.01s]

  Runtime Error in model b (models/b.sql)
  Constraint Error: NOT NULL constraint failed
"""


def test_each_node_that_failed_is_told_with_what_dbt_said_and_without_the_command():
    red, broken = (" ".join(said.split()) for said in errors_in(OF_DAGSTER))
    assert red == (
        "Failure in test keys_are_unique (models/a.yml) Got 122 results, configured to fail if != 0"
    )
    assert broken == (
        "Runtime Error in model b (models/b.sql) Constraint Error: NOT NULL constraint failed"
    )


@pytest.mark.parametrize("said", ["dbt was killed", "before\nErrors parsed from dbt logs:\n"])
def test_what_dbt_did_not_word_is_told_as_it_is(said):
    assert [said] == errors_in(said)


def test_many_failures_are_counted_and_the_first_ones_told_up_to_a_length():
    message = failure_message("Ran `dbt build`", ["a " * 400, *"bcdefghijk"], in_full=LOG)
    assert message.startswith("Ran `dbt build`: 11 nodes failed: a a a")
    assert "; j. Correct the data" in message
    assert message.endswith(f"is in {LOG}.")
    assert 300 + 9 * len("; b") == len(message.partition("failed: ")[2].partition(". Correct")[0])
