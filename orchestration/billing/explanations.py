"""The commit that tells why a frozen revision corrects what was signed.

Belongs here: when it is made, what it says. Does not belong here: its rows (correction_causes.py);
finding them (rerating/explain.py).
"""

from datetime import datetime

import pyarrow as pa

from orchestration.actors import Actor
from orchestration.billing.commits import parquet_file
from orchestration.billing.correction_causes import CAUSE_SCHEMA, CAUSES, is_explained
from orchestration.billing.register import Register
from orchestration.billing.revisions import Revision, revisions_of
from orchestration.durable import Steps, no_steps
from orchestration.settings import Settings


def put_causes(
    settings: Settings,
    revision: Revision,
    causes: pa.Table,
    *,
    now: datetime,
    actor: Actor,
    steps: Steps = no_steps,
) -> bool:
    """Commit the causes of a frozen revision, once.

    Args:
        settings: whose register.
        revision: that was frozen.
        causes: CAUSE_SCHEMA.
        now: aware.
        actor: whose run found them.
        steps: announced before each durable step.

    Returns:
        Whether they were committed; not where they are there, or where the revision waits for no
        decision any more.

    Raises:
        RegisterBusyError, RegisterWriteError: see there.
    """
    with Register(settings.register, steps=steps).writing() as session:
        current = revisions_of(session.chain)[revision.revision_id]
        if current.state != "frozen" or is_explained(session.chain, revision.revision_id):
            return False
        session.commit(
            kind="explain",
            subject={
                "revision_id": revision.revision_id,
                "legal_entity_id": revision.legal_entity_id,
                "billing_period": revision.billing_period,
                "content_sha256": revision.content_sha256,
                "explained_by": actor.plain(),
            },
            now=now,
            files=[parquet_file(CAUSES, causes, CAUSE_SCHEMA)],
        )
    return True
