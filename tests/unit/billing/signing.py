"""Verbs of the tests of signing: freeze one revision, be refused, read rows.

Belongs here: what several of these tests do alike, and that a refusal writes nothing. Does not
belong here: the company (billing_world.py); which rule refuses what.
"""

import pytest
import sqlalchemy as sa
from billing_rows import Line

from orchestration.failures import RefusedError


def rows(world, table):
    with world.engine.connect() as connection:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def refused(world, revision_id, **options):
    """The code of the refusal, after proving that nothing was written."""
    return refusal(world, revision_id, **options).code


def refusal(world, revision_id, **options):
    before = world.register.head()
    with pytest.raises(RefusedError) as error:
        world.sign(revision_id, **options)
    assert before == world.register.head()
    assert not str(error.value).startswith(("Signed ", "Decided ", "Rejected ", "Held "))
    assert str(error.value).rstrip().endswith((".", ")"))
    return error.value


def frozen(world, *lines):
    [revision] = world.build(*(lines or [Line()])).freeze()
    return revision
