"""Who launched a run, as the audit log tells it.

Belongs here: the launcher of a run, from its tags. Does not belong here: the stamp of a verified
person (orchestration/run_coordinator.py); whether a person may sign (defs/sign_off/signers.py).
"""

import getpass
from collections.abc import Mapping
from typing import Final

from orchestration.actors import Actor
from orchestration.run_coordinator import NOBODY, verified_user
from orchestration.settings import Settings

STARTED_BY_TAG: Final = "tallyhouse/started_by"
COMMAND_LINE: Final = "command line"
_MACHINES: Final = {
    "dagster/schedule_name": "schedule",
    "dagster/sensor_name": "sensor",
    "dagster/backfill": "backfill",
}


def launcher_of(settings: Settings, *, run_id: str, tags: Mapping[str, str]) -> Actor:
    """Return who launched a run.

    A verified person first; then the schedule, sensor or backfill that Dagster names; then, without
    anybody's proof, the signer of the settings or the user of the command line. A run that was
    launched in a UI without a proxy is nobody's.

    Args:
        settings: whether a name of their own counts here.
        run_id: the run.
        tags: its tags, as the run coordinator left them.
    """
    user = verified_user(run_id=run_id, tags=tags)
    if user is not None:
        return Actor(name=user, source="verified", run_id=run_id)
    for tag, machine in _MACHINES.items():
        if tag in tags:
            return Actor(name=f"{machine} {tags[tag]}", source="machine", run_id=run_id)
    name = settings.self_declared_signer if settings.may_sign_self_declared else None
    if name is None:
        name = _user_of_this_machine() if tags.get(STARTED_BY_TAG) == COMMAND_LINE else NOBODY
    return Actor(name=name, source="self_declared", run_id=run_id)


def _user_of_this_machine() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return NOBODY
