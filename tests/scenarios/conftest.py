"""A house: one data directory that the scenarios take through the pipeline's steps.

Belongs here: the steps as a person would do them, what a house holds as plain values, and the
sample's month, signed and posted once for every scenario. Does not belong here: what a scenario
expects.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from orchestration.billing.register import Register
from orchestration.billing.sign_off import Signer
from orchestration.cli import app
from orchestration.period_close import Decision, acknowledgements_needed, decide, freeze_period
from orchestration.pipeline import (
    Installation,
    build_models,
    judge_candidates,
    load_reference_data,
    load_usage_files,
    post_documents,
    publish_marts,
    read_conservation,
    read_statuses,
    write_inputs,
)
from orchestration.sample.write import write_sample
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

EVENT_COUNT = 12_000
MONTH = "2026-09"
NEXT_MONTH = "2026-10"
CLOSE_OF_BOOKS = datetime(2026, 11, 3, 6, tzinfo=UTC)
DAY_AFTER = datetime(2026, 11, 4, 6, tzinfo=UTC)
SIGNER = Signer(name="local demo", source="self_declared", run_id=None)
# Data tests judge the models; a scenario judges what they hold, and leaves them out.
WITHOUT_DATA_TESTS = ("--exclude-resource-type", "test")
SETTLED_SECONDS = 3600


class House:
    """One data directory and the steps over it.

    Attributes:
        settings: of the directory; the sample's own signer may sign.
        installation: what the steps take; its clock stands still.
        signer: who signs in it.
    """

    signer = SIGNER

    def __init__(self, data_dir, *, now=CLOSE_OF_BOOKS):
        self.settings = Settings(
            data_dir=data_dir, may_sign_self_declared=True, self_declared_signer=SIGNER.name
        )
        self.installation = Installation(self.settings, clock=lambda: now)

    def deliver(self, name, content):
        """Put a file into landing/usage that its writer is done with; returns its path."""
        path = self.settings.landing_usage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        settled = time.time() - SETTLED_SECONDS
        os.utime(path, (settled, settled))
        return path

    def tallyhouse(self, *arguments):
        """Run a command of the command line over it; returns its exit code and JSON answer."""
        answer = CliRunner().invoke(
            app,
            [*arguments, "--data-dir", str(self.settings.data_dir), "--json"],
            catch_exceptions=False,
        )
        return answer.exit_code, json.loads(answer.stdout)

    def load_reference(self):
        """Load the reference folder; returns the version."""
        return load_reference_data(self.installation)

    def load(self, paths=None):
        """Load usage files, every one of them by default, as one batch."""
        return load_usage_files(self.installation, paths=paths)

    def build(self, *selection):
        """Build every model from what was loaded, signed and read back."""
        write_inputs(self.installation)
        build_models(self.installation, selection)

    def freeze(self, billing_period):
        """Judge and freeze a month; returns its revisions by entity."""
        expectations = judge_candidates(self.installation, billing_period=billing_period)
        return freeze_period(
            self.installation, billing_period=billing_period, expectations=expectations
        )

    def sign(self, revision, *, acknowledges=False):
        """Sign a frozen revision with every document in it; acknowledge those that need it, too."""
        needed = acknowledgements_needed(self.installation, revision) if acknowledges else ()
        return decide(
            self.installation,
            revision_id=revision.revision_id,
            decision=Decision.SIGN,
            signer=SIGNER,
            note="",
            acknowledgements={each.document_id: "looked at" for each in needed},
        )

    def post(self):
        """Post what was signed, and read the ERP back; returns summary and documents read."""
        return post_documents(self.installation), read_statuses(self.installation)

    def publish(self):
        """Publish the marts for analysts."""
        publish_marts(self.installation)

    def broken_invariants(self):
        """Names of conservation checks that do not hold as the last build computed them."""
        return [
            figure.check_name
            for figure in read_conservation(self.installation)
            if not figure.is_passed
        ]

    def rows(self, query):
        """Rows of the warehouse, in an order of their own where the query names none."""
        with open_warehouse(self.settings) as connection:
            rows = connection.execute(query).fetchall()
        return rows if "order by" in query else sorted(rows, key=str)

    def mappings(self, query):
        """The same rows, each by column name."""
        with open_warehouse(self.settings) as connection:
            found = connection.execute(query)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def warehouse_digests(self):
        """Row count and digest over all rows of every table and view, by name.

        Left out are the drill-down to raw events, and when the ERP was last read.
        """
        digests = {}
        with open_warehouse(self.settings) as connection:
            names = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where table_name not in ('fct_line_events', 'stg_operations__erp_documents')"
            ).fetchall()
            for (name,) in names:
                digests[name] = connection.execute(
                    f"select count(*), sum(cast(hash(each) as hugeint)) from {name} as each"
                ).fetchone()
        return digests

    def file_digests(self, *folders):
        """SHA-256 of every file below folders of the data directory, by path.

        Left out are locks, and journals, which every news adds to.
        """
        return {
            str(path.relative_to(self.settings.data_dir)): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for folder in folders
            for path in sorted((self.settings.data_dir / folder).rglob("*"))
            if path.is_file() and not path.name.endswith(".lock")
            if "journals" not in path.parts
        }

    def operations(self, table, *, without=()):
        """Rows of a table of the operations database, without some of its columns."""
        connection = sqlite3.connect(self.settings.data_dir / "operations.db")
        connection.row_factory = sqlite3.Row
        try:
            rows = [dict(row) for row in connection.execute(f"select * from {table}")]
        finally:
            connection.close()
        return [{name: value for name, value in row.items() if name not in without} for row in rows]

    def register_entries(self):
        """Every signed entry, in order of signature."""
        return Register(self.settings.register).entries().to_pylist()

    def erp_documents(self):
        """What the ERP itself holds, drafts included, by its own id."""
        erp = self.installation.open_erp()
        return sorted(erp.read_documents(), key=lambda document: document.erp_document_id)

    @contextmanager
    def raw_files_elsewhere(self):
        """Until the end nothing lies under raw/, so that whoever opens a file there fails.

        Yields a list, which holds at the end what lies there then; locks left out.
        """
        raw, away, made = self.settings.raw, self.settings.data_dir / "elsewhere", []
        raw.rename(away)
        try:
            yield made
        finally:
            made.extend(self.file_digests("raw"))
            shutil.rmtree(raw, ignore_errors=True)
            away.rename(raw)

    def copy(self, data_dir, *, now=CLOSE_OF_BOOKS):
        """A house of its own that holds the same, in another folder.

        Its usage files are looked at anew by the next load, which knows their contents.
        """
        shutil.copytree(self.settings.data_dir, data_dir, ignore=shutil.ignore_patterns("*.lock"))
        return House(data_dir, now=now)


@dataclass(frozen=True)
class SignedMonth:
    """The sample's first month from landing files to posted documents, and what was seen between.

    Attributes:
        house: as it is after the last build; scenarios copy it, and change nothing in it.
        truth: what the generator says that the sample comes to.
        loaded: what loading did. candidates: the month's documents before the signature.
        other_candidates: those of all other months.
        broken_before: checks that did not hold before the signature.
        revisions, sign_offs: by legal entity. posted, read_count: what posting did.
        loaded_again: what loading the same landing folder did after that.
    """

    house: House
    truth: dict
    loaded: object
    candidates: list
    other_candidates: list
    broken_before: list
    revisions: list
    sign_offs: list
    posted: object
    read_count: int
    loaded_again: object


@pytest.fixture(scope="session")
def signed_month(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("sample") / "data")
    sample = write_sample(house.settings, event_count=EVENT_COUNT, months=(MONTH, NEXT_MONTH))
    house.load_reference()
    loaded = house.load()
    house.build()
    documents = house.mappings("select * from billing.fct_invoice_candidates order by document_id")
    broken_before = house.broken_invariants()
    revisions = house.freeze(MONTH)
    sign_offs = [house.sign(revision) for revision in revisions]
    posted, read_count = house.post()
    loaded_again = house.load()
    house.build(*WITHOUT_DATA_TESTS)
    return SignedMonth(
        house=house,
        truth=sample.truth,
        loaded=loaded,
        candidates=[each for each in documents if each["billing_period"] == MONTH],
        other_candidates=[each for each in documents if each["billing_period"] != MONTH],
        broken_before=broken_before,
        revisions=revisions,
        sign_offs=sign_offs,
        posted=posted,
        loaded_again=loaded_again,
        read_count=read_count,
    )


@pytest.fixture(scope="module")
def house_of_the_signed_month(signed_month, tmp_path_factory):
    """A copy of the signed month that a module may change, a day after the close."""
    return signed_month.house.copy(tmp_path_factory.mktemp("copy") / "data", now=DAY_AFTER)


@pytest.fixture(scope="module")
def house_in_place(signed_month, tmp_path_factory):
    """The signed month itself, a day after the close; what it was is put back afterwards."""
    folder = signed_month.house.settings.data_dir
    kept = tmp_path_factory.mktemp("kept") / "data"
    signed_month.house.copy(kept)
    yield House(folder, now=DAY_AFTER)
    shutil.rmtree(folder)
    kept.rename(folder)


@pytest.fixture(scope="session")
def open_house():
    """Makes a house over a folder."""
    return House
