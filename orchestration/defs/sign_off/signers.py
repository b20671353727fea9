"""Who signs: the person whom the proxy verified for this run, or a self-declared name.

Belongs here: where a signer's name comes from. Does not belong here: whether that person may
approve (orchestration/billing), how the stamp is made (orchestration/run_coordinator.py).
"""

from collections.abc import Mapping

from orchestration.billing.refusals import SignerUnverifiedError
from orchestration.billing.sign_off import Signer
from orchestration.run_coordinator import SECRET_VARIABLE, verified_user
from orchestration.settings import Settings


def signer_of(
    settings: Settings, *, run_id: str, tags: Mapping[str, str], declared: str | None
) -> Signer:
    """Return the signer of a run; a verified identity always wins over a declared name.

    Args:
        settings: whether a self-declared name counts here.
        run_id: the run that signs.
        tags: its tags, as the run coordinator left them.
        declared: the name in the run's configuration; None means the one in the settings.

    Raises:
        SignerUnverifiedError: nobody is verified, and a declared name does not count or is absent.
    """
    user = verified_user(run_id=run_id, tags=tags)
    if user is not None:
        return Signer(name=user, source="verified", run_id=run_id)
    name = (declared or settings.self_declared_signer or "").strip()
    if settings.may_sign_self_declared and name:
        return Signer(name=name, source="self_declared", run_id=run_id)
    raise SignerUnverifiedError(
        f"Tried to sign in run {run_id}: no reverse proxy verified who launched it (schedules, "
        "sensors, backfills and the command line are never a verified person). Launch it through "
        f"the proxied Dagster UI with {SECRET_VARIABLE} set on its servers; on a machine of your "
        "own, TALLYHOUSE_MAY_SIGN_SELF_DECLARED=true with a name lets your own word count."
    )
