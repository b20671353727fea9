"""Which code computed a revision: package version, and git commit where there is one.

Belongs here: finding that out. Does not belong here: the version of a rating rule, which dbt's
models name themselves.
"""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from orchestration.settings import PROJECT_ROOT

_WAIT_SECONDS = 10


@cache
def code_version() -> str:
    """Such as "0.1.0+git.08e5f36…"; without git or outside a checkout only the version.

    A checkout with uncommitted changes ends in ".changed": such code cannot be found again.
    """
    try:
        package = version("tallyhouse")
    except PackageNotFoundError:
        package = "not-installed"
    if not (PROJECT_ROOT / ".git").exists():
        return package
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return package
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return f"{package}+git.{commit}{'.changed' if changes else ''}"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT_ROOT), *arguments],
            capture_output=True,
            text=True,
            timeout=_WAIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
