"""Every dbt model as an asset, every data test as a check on it.

Belongs here: the mapping of dbt resources to keys, groups, owners and checks; the one op that
builds any subset of them. Does not belong here: how dbt is started (orchestration/dbt.py).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from orchestration.asset_keys import RATED_LINES, dbt_asset_key, stage_of
from orchestration.dbt import (
    BUILD_ARGUMENTS,
    DBT_PROJECT_DIR,
    dbt_environment,
    shared_code_digest,
)
from orchestration.dbt_failures import dbt_failure, errors_in, failure_message
from orchestration.defs.operations.failures import failures_sorted
from orchestration.defs.operations.owners import DATA_ENGINEERING, WAREHOUSE_WRITER
from orchestration.pipeline import WRITER_WAIT_SECONDS, Installation, keep_found_exceptions
from orchestration.recovery import refuse_unbuilt
from orchestration.warehouse import writer_lock


class StageTranslator(DagsterDbtTranslator):
    """Pins keys to [stage, name] and groups to stages, so that moving a schema orphans nothing."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_asset_checks=True,
                enable_duplicate_source_asset_keys=True,
                enable_source_metadata=False,
            )
        )
        self._shared_code = shared_code_digest()[:12]

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Return dbt's own spec with our key, group and owner; macros are part of its version."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        resource = self.get_resource_props(manifest, unique_id)
        if resource["resource_type"] == "source":
            return spec
        return spec.replace_attributes(
            group_name=stage_of(resource),
            owners=spec.owners or [DATA_ENGINEERING],
            code_version=f"{spec.code_version}-{self._shared_code}",
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return [stage, name]."""
        return dbt_asset_key(dbt_resource_props)


def build_dbt_assets(manifest: Path) -> dg.AssetsDefinition:
    """Return one op over all models of a manifest, of which a job may build any subset.

    Unit tests are not built: they prove code and belong to `make test`.
    """

    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=StageTranslator(),
        name="dbt_models",
        exclude="resource_type:unit_test",
        pool=WAREHOUSE_WRITER,
        project=None,
    )
    def dbt_models(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[DbtCliResource],
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[Any]:
        settings = installation.settings
        with (
            failures_sorted(retry_number=context.retry_number),
            writer_lock(settings, wait_seconds=WRITER_WAIT_SECONDS),
            dbt_environment(settings),
        ):
            if RATED_LINES not in context.selected_asset_keys:
                refuse_unbuilt(settings, tried="Built some of the models", wait_seconds=0)
            done, total = 0, len(context.selected_output_names)
            build = dbt.cli(list(BUILD_ARGUMENTS), context=context, raise_on_error=False)
            for event in build.stream():
                if isinstance(event, dg.Output | dg.MaterializeResult):
                    done += 1
                    installation.report("build models", done, total)
                yield event
            _refuse_failed(build)
            keep_found_exceptions(installation)

    return dbt_models


def _refuse_failed(build: DbtCliInvocation) -> None:
    """Say which models and data tests failed; the command that ran is in the log.

    Raises:
        DbtFailedError: some did.
        DiskError: the disk refused dbt.
    """
    error = build.get_error()
    if error is not None:
        said = getattr(error, "description", None) or str(error)
        raise dbt_failure(
            failure_message(
                "Built the models", errors_in(said), in_full=build.target_path / "dbt.log"
            )
        ) from error


def build_dbt_resource(executable: Path) -> DbtCliResource:
    """Return dbt's command line for the ops."""
    return DbtCliResource(
        project_dir=str(DBT_PROJECT_DIR),
        profiles_dir=str(DBT_PROJECT_DIR),
        dbt_executable=str(executable),
    )
