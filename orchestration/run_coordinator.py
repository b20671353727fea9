"""Who launched a run: the identity that a reverse proxy verified, stamped on the run and signed.

Belongs here: the run coordinator that dagster.yaml names, and the check of its stamp. Does not
belong here: whether a person may approve, which billing decides from the policy.

Dagster's own UI has no log-in. A reverse proxy in front of it authenticates people and sets a
header; the coordinator copies that header into the run's tags, always overwriting what a caller
put there, and signs run id, user and instant with a secret that only the servers know.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self, cast

from dagster import DagsterRun, Field, QueuedRunCoordinator, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._serdes import ConfigurableClassData

USER_TAG: Final = "tallyhouse/user"
STAMPED_AT_TAG: Final = "tallyhouse/user_stamped_at"
SIGNATURE_TAG: Final = "tallyhouse/user_signature"
SECRET_VARIABLE: Final = "IDENTITY_SIGNING_SECRET"  # noqa: S105 — a variable's name, not a secret
NOBODY: Final = "nobody"

_AUTOMATIC_TAGS: Final = ("dagster/backfill", "dagster/schedule_name", "dagster/sensor_name")
_DEFAULT_HEADER: Final = "X-Forwarded-Email"


class IdentityStampingRunCoordinator(QueuedRunCoordinator):
    """Queues runs as Dagster does, after stamping on each who launched it."""

    def __init__(self, identity_header: str = _DEFAULT_HEADER, **queue: Any) -> None:
        super().__init__(**queue)
        self._identity_header = identity_header

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the queue's own settings and the name of the proxy's header."""
        settings: dict[str, Any] = dict(cast("Mapping[str, Any]", super().config_type()))
        settings["identity_header"] = Field(
            StringSource,
            is_required=False,
            default_value=_DEFAULT_HEADER,
            description="Request header in which the reverse proxy puts the verified person.",
        )
        return settings

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        """Build the coordinator from dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Stamp the run with the header's person, or with nobody, and put it into the queue."""
        run_id = context.dagster_run.run_id
        user = (context.get_request_header(self._identity_header) or "").strip()
        self._instance.add_run_tags(
            run_id, identity_tags(run_id=run_id, user=user, stamped_at=datetime.now(UTC))
        )
        return super().submit_run(context)


def identity_tags(*, run_id: str, user: str, stamped_at: datetime) -> dict[str, str]:
    """Return the three tags that say who launched a run; without user or secret it is nobody.

    Args:
        run_id: the run that the stamp holds for, and no other.
        user: what the proxy verified; empty when no header came.
        stamped_at: when, aware.
    """
    secret = os.environ.get(SECRET_VARIABLE, "")
    instant = stamped_at.astimezone(UTC).isoformat()
    if not user or user == NOBODY or not secret:
        return {USER_TAG: NOBODY, STAMPED_AT_TAG: instant, SIGNATURE_TAG: NOBODY}
    return {
        USER_TAG: user,
        STAMPED_AT_TAG: instant,
        SIGNATURE_TAG: _signature(secret, run_id=run_id, user=user, instant=instant),
    }


def verified_user(*, run_id: str, tags: Mapping[str, str]) -> str | None:
    """Return the person whom the proxy verified for this very run, or None.

    None also when the stamp was made for another run, when a schedule, sensor or backfill started
    the run, or when no secret is configured: an identity that cannot be checked is none.
    """
    secret = os.environ.get(SECRET_VARIABLE, "")
    user = tags.get(USER_TAG, NOBODY)
    if not secret or user == NOBODY or any(tag in tags for tag in _AUTOMATIC_TAGS):
        return None
    expected = _signature(secret, run_id=run_id, user=user, instant=tags.get(STAMPED_AT_TAG, ""))
    given = tags.get(SIGNATURE_TAG, "")
    return user if hmac.compare_digest(expected.encode(), given.encode()) else None


def _signature(secret: str, *, run_id: str, user: str, instant: str) -> str:
    parts = (run_id, user, instant)
    message = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
