"""What a data directory consists of before anything has landed in it.

Belongs here: its folders, its operations database, the home of its Dagster instance. Does not
belong here: opening the instance (cli_runs.py); verifying what is there (reports/verification.py).
"""

import shutil
from typing import Final

from orchestration.failures import InputError
from orchestration.operations_db import open_operations
from orchestration.settings import PROJECT_ROOT, Settings

_WORKSPACE: Final = """\
load_from:
  - python_module:
      module_name: orchestration.definitions
      location_name: tallyhouse
"""


class NotInitialisedError(InputError):
    """The data directory has no Dagster instance yet."""

    code = "not_initialised"


def initialise(settings: Settings) -> None:
    """Make a whole data directory; what is there stays."""
    make_dagster_home(settings)
    make_folders(settings)


def make_dagster_home(settings: Settings) -> None:
    """Make the home of the Dagster instance with its two configuration files; they stay."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    configuration = settings.dagster_home / "dagster.yaml"
    if not configuration.exists():
        shutil.copyfile(PROJECT_ROOT / "dagster.yaml", configuration)
    workspace = settings.dagster_home / "workspace.yaml"
    if not workspace.exists():
        workspace.write_text(_WORKSPACE, "utf-8")


def make_folders(settings: Settings) -> None:
    """Make every other folder, and the operations database or what it lacks of today's schema."""
    for folder in (
        settings.landing_usage,
        settings.reference_dir,
        settings.raw,
        settings.warehouse_inputs,
        settings.register,
        settings.audit,
        settings.published,
        settings.reports,
    ):
        folder.mkdir(parents=True, exist_ok=True)
    open_operations(settings).dispose()


def is_initialised(settings: Settings) -> bool:
    """Whether `tallyhouse init` made this data directory."""
    return (settings.dagster_home / "dagster.yaml").exists()


def refuse_uninitialised(settings: Settings) -> None:
    """Let a command go on only in a data directory that `tallyhouse init` made; writes nothing.

    Raises:
        NotInitialisedError: it has no Dagster instance, as where its path is mistyped.
    """
    if not is_initialised(settings):
        raise NotInitialisedError(
            f"Tried to open {settings.data_dir}: it has no Dagster instance. Correct --data-dir, "
            f"or run `tallyhouse init --data-dir {settings.data_dir}` first."
        )
