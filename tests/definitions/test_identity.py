"""Who launched a run: stamped by the coordinator, signed, and never taken from anybody's word."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from orchestration.billing.refusals import SignerUnverifiedError
from orchestration.defs.sign_off.signers import signer_of
from orchestration.run_coordinator import (
    NOBODY,
    SECRET_VARIABLE,
    SIGNATURE_TAG,
    USER_TAG,
    identity_tags,
    verified_user,
)
from orchestration.settings import PROJECT_ROOT, Settings

ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(
        InProcessCodeLocationOrigin(
            LoadableTargetOrigin(module_name="orchestration.definitions"),
            location_name="tallyhouse",
        ),
        "__repository__",
    ),
    "sign_off_period",
)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class FakeSubmission:
    """What a coordinator sees of a launch: the run, and the request's headers."""

    dagster_run: DagsterRun
    headers: dict[str, str] = field(default_factory=dict)

    def get_request_header(self, key: str) -> str | None:
        return self.headers.get(key)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.setenv(SECRET_VARIABLE, "a secret of the servers")
    configuration = (PROJECT_ROOT / "dagster.yaml").read_text("utf-8")
    (tmp_path / "dagster.yaml").write_text(configuration, "utf-8")
    with DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


def launch(
    instance: DagsterInstance,
    *,
    tags: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> DagsterRun:
    run = create_run_for_test(
        instance, job_name=ORIGIN.job_name, remote_job_origin=ORIGIN, tags=tags or {}
    )
    instance.run_coordinator.submit_run(FakeSubmission(run, headers or {}))
    stamped = instance.get_run_by_id(run.run_id)
    assert stamped is not None
    return stamped


def test_the_person_in_the_proxys_header_is_verified_for_that_run(
    instance: DagsterInstance,
) -> None:
    run = launch(instance, headers={"X-Forwarded-Email": "dana.finch@brightloop.example"})

    assert "dana.finch@brightloop.example" == verified_user(run_id=run.run_id, tags=run.tags)


def test_a_forged_tag_is_overwritten_also_when_no_header_came(instance: DagsterInstance) -> None:
    forged = {USER_TAG: "dana.finch@brightloop.example", SIGNATURE_TAG: "0" * 64}

    run = launch(instance, tags=forged)

    assert NOBODY == run.tags[USER_TAG]
    assert verified_user(run_id=run.run_id, tags=run.tags) is None


def test_the_stamp_of_one_run_is_worth_nothing_on_another(instance: DagsterInstance) -> None:
    first = launch(instance, headers={"X-Forwarded-Email": "dana.finch@brightloop.example"})
    copied = {name: text for name, text in first.tags.items() if name.startswith("tallyhouse/")}

    assert verified_user(run_id="another-run", tags=copied) is None


@pytest.mark.parametrize(
    "tag", ["dagster/backfill", "dagster/schedule_name", "dagster/sensor_name"]
)
def test_backfills_schedules_and_sensors_are_never_a_person(
    instance: DagsterInstance, tag: str
) -> None:
    run = launch(
        instance,
        tags={tag: "x"},
        headers={"X-Forwarded-Email": "dana.finch@brightloop.example"},
    )

    assert verified_user(run_id=run.run_id, tags=run.tags) is None


def test_without_a_secret_nobody_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)

    tags = identity_tags(run_id="r", user="dana.finch@brightloop.example", stamped_at=NOW)

    assert NOBODY == tags[USER_TAG]
    assert verified_user(run_id="r", tags=tags) is None


def test_a_changed_name_breaks_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "a secret of the servers")
    tags = identity_tags(run_id="r", user="jonas.weil@brightloop.example", stamped_at=NOW)

    changed = tags | {USER_TAG: "dana.finch@brightloop.example"}

    assert verified_user(run_id="r", tags=changed) is None


def test_a_declared_name_counts_only_where_the_installation_says_so(tmp_path: Path) -> None:
    strict = Settings(data_dir=tmp_path)
    local = Settings(data_dir=tmp_path, may_sign_self_declared=True)

    with pytest.raises(SignerUnverifiedError):
        signer_of(strict, run_id="r", tags={}, declared="local demo")
    signer = signer_of(local, run_id="r", tags={}, declared="local demo")

    assert ("local demo", "self_declared") == (signer.name, signer.source)


def test_a_verified_person_wins_over_a_declared_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "a secret of the servers")
    tags = identity_tags(run_id="r", user="jonas.weil@brightloop.example", stamped_at=NOW)
    local = Settings(data_dir=tmp_path, may_sign_self_declared=True)

    signer = signer_of(local, run_id="r", tags=tags, declared="dana.finch@brightloop.example")

    assert ("jonas.weil@brightloop.example", "verified") == (signer.name, signer.source)
