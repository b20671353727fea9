"""How dbt is started: its folders, its environment, its manifest, and one in-process invocation.

Belongs here: everything that Dagster, the command line and the benchmarks must do alike to run
dbt. Does not belong here: which models a step builds (pipeline.py), the mapping of models to
assets (defs/transform).
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from filelock import FileLock

from orchestration.dbt_failures import DbtFailedError, dbt_failure, failure_message
from orchestration.garbage import made_to_stay
from orchestration.settings import PROJECT_ROOT, Settings

DBT_PROJECT_DIR: Final = PROJECT_ROOT / "dbt_project"
UNWRITTEN: Final = "--no-write-json"
"""dbt's manifest was written when the project was parsed, and is not written again."""

BUILD_ARGUMENTS: Final = ("build", UNWRITTEN, "--exclude-resource-type", "unit_test")
"""A production build: models, seeds and data tests. Unit tests prove code, not data."""

_PROJECT_FOLDERS: Final = ("macros", "models", "seeds", "snapshots", "tests")
_MANIFESTS: Final[dict[str, Any]] = {}

NodeProgress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DbtOutcome:
    """What one dbt invocation did.

    Attributes:
        node_seconds: execution time of each model, seed and test by its unique id.
    """

    node_seconds: dict[str, float]


def dbt_executable() -> Path:
    """Return the dbt program beside the running Python, also when the venv is not activated.

    Raises:
        DbtFailedError: no dbt is installed there, nor on PATH.
    """
    beside = Path(sys.executable).with_name("dbt")
    if beside.exists():
        return beside
    found = shutil.which("dbt")
    if found is None:
        raise DbtFailedError(
            f"Looked for dbt beside {sys.executable} and on PATH: there is none. "
            "Run `make setup`, then start again with .venv/bin/tallyhouse.",
            code="dbt_missing",
        )
    return Path(found)


def dbt_target(settings: Settings) -> Path:
    """Return the folder of dbt's compiled files; it can be deleted like the warehouse."""
    return settings.warehouse / "dbt"


@contextmanager
def dbt_environment(settings: Settings) -> Iterator[None]:
    """Set what dbt's project and profile read from the environment, then restore it.

    Usage statistics are off: nothing calls out of the machine.
    """
    wanted = {
        "TALLYHOUSE_DATA_DIR": str(settings.data_dir),
        "TALLYHOUSE_TENANT_ID": settings.tenant_id,
        "TALLYHOUSE_DUCKDB_MEMORY_LIMIT": settings.duckdb_memory_limit,
        "TALLYHOUSE_DUCKDB_THREADS": str(settings.duckdb_threads),
        "DBT_PROJECT_DIR": str(DBT_PROJECT_DIR),
        "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(dbt_target(settings)),
        "DBT_LOG_PATH": str(dbt_target(settings) / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text


def prepare_manifest(settings: Settings) -> Path:
    """Return dbt's manifest.json, written again only when a file of the project changed.

    What this process parsed before, for whatever data directory, is not parsed again.

    Raises:
        DbtFailedError: the project cannot be parsed.
    """
    target = dbt_target(settings)
    target.mkdir(parents=True, exist_ok=True)
    manifest = target / "manifest.json"
    stamp = target / "project.sha256"
    digest = project_digest()
    with FileLock(target / "parse.lock"):
        if not manifest.exists() or not stamp.exists() or stamp.read_text("utf-8") != digest:
            stamp.unlink(missing_ok=True)
            manifest_over(settings).write(str(manifest))
            stamp.write_text(digest, "utf-8")
    return manifest


def project_digest() -> str:
    """Return a digest over names and contents of all files that make up the dbt project."""
    return _digest(_files_in(*_PROJECT_FOLDERS) + list(DBT_PROJECT_DIR.glob("*.yml")))


def shared_code_digest() -> str:
    """Return a digest of what every model rests on beside its own SQL: macros and seeds.

    Dagster's code version of a model knows its SQL only; pricing logic lives in macros.
    """
    return _digest(_files_in("macros", "seeds"))


def _files_in(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in (DBT_PROJECT_DIR / folder).rglob("*")
        if path.is_file()
    ]


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.name == ".user.yml":
            continue
        content = path.read_bytes()
        digest.update(f"{path.relative_to(DBT_PROJECT_DIR)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def run_dbt(
    settings: Settings,
    arguments: Sequence[str],
    *,
    on_node: NodeProgress | None = None,
) -> DbtOutcome:
    """Run one dbt command in this process, which parses a state of the project only once.

    Args:
        settings: the data directory.
        arguments: the command line after `dbt`; only `parse` writes dbt's JSON files.
        on_node: called with name, number and count when a node has finished.

    Raises:
        DbtFailedError: names the nodes that failed, and the file with what dbt said in full.
    """
    if arguments[0] == "parse":
        _parse(settings, arguments)
        return DbtOutcome(node_seconds={})
    result = _invoke(settings, arguments, manifest_over(settings), on_node)
    return DbtOutcome(
        node_seconds={
            node.node.unique_id: float(node.execution_time)
            for node in getattr(result, "results", ())
        }
    )


def manifest_over(settings: Settings) -> Any:
    """Return dbt's manifest with its sources in a data directory; all else is alike in every one.

    A manifest that this process parsed for another data directory is taken and its sources moved:
    dbt's own parse would begin anew for every directory, since its profile names it.

    Raises:
        DbtFailedError: the project cannot be parsed.
    """
    manifest = _MANIFESTS.get(project_digest())
    if manifest is None:
        manifest = _parse(settings, ["parse", UNWRITTEN])
    for source in manifest.sources.values():
        unrendered = source.unrendered_config["meta"]
        for told in (source.meta, source.source_meta, source.config.meta, unrendered):
            told["external_location"] = _input_of(settings, told["external_location"])
        source.relation_name = f"'{_input_of(settings, source.relation_name)}"
    return manifest


def _parse(settings: Settings, arguments: Sequence[str]) -> Any:
    digest = project_digest()
    with made_to_stay(leaves_garbage=True):
        manifest = _invoke(settings, arguments, manifest=None, on_node=None)
    _MANIFESTS.clear()
    _MANIFESTS[digest] = manifest
    return manifest


def _input_of(settings: Settings, location: str) -> str:
    return f"{settings.warehouse_inputs}/{location.rpartition('/')[2]}"


def _invoke(
    settings: Settings, arguments: Sequence[str], manifest: Any, on_node: NodeProgress | None
) -> Any:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 — its import takes seconds

    dbt_target(settings).mkdir(parents=True, exist_ok=True)
    written = () if arguments[0] == "parse" or UNWRITTEN in arguments else (UNWRITTEN,)
    with dbt_environment(settings):
        runner = dbtRunner(manifest=manifest, callbacks=[_progress(on_node)] if on_node else [])
        result = runner.invoke(["--quiet", "--log-level", "none", *arguments, *written])
        _close_connections()
    if result.exception is not None or not result.success:
        raise dbt_failure(_failure_message(settings, arguments, result))
    return result.result


def _progress(on_node: NodeProgress) -> Callable[[Any], None]:
    finished = ("LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult")

    def on_event(event: Any) -> None:
        if event.info.name in finished:
            on_node(event.data.node_info.node_name, event.data.index, event.data.total)

    return on_event


def _close_connections() -> None:
    """Let go of the warehouse file, which dbt-duckdb otherwise keeps until the process ends."""
    from dbt.adapters.duckdb.connections import (  # noqa: PLC0415 — imported with dbt only
        DuckDBConnectionManager,
    )

    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call] # dbt's own


def _failure_message(settings: Settings, arguments: Sequence[str], result: Any) -> str:
    command = f"Ran `dbt {' '.join(arguments)}`"
    if result.exception is not None:
        return f"{command}: {result.exception}"
    failed = [
        f"{node.node.name} ({node.status}): {node.message}"
        for node in getattr(result.result, "results", ())
        if str(node.status) in {"error", "fail", "runtime error"}
    ]
    in_full = dbt_target(settings) / "failed.txt"
    in_full.write_text("\n\n".join(failed), encoding="utf-8")
    return failure_message(command, failed, in_full=in_full)
