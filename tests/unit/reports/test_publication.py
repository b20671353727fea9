"""The analysts' copy: complete or not there, and never in the way of a run."""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.reports.publication import (
    COPIES_KEPT,
    NothingPublishedError,
    NothingToPublishError,
    open_published,
    publish,
    published_file,
)
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

ANALYST = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
query = "select sum(amount) from rating.fct_rated_lines"
print(connection.execute(query).fetchone()[0], flush=True)
for _ in sys.stdin:
    print(connection.execute(query).fetchone()[0], flush=True)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def rate(settings: Settings, amount: str) -> None:
    with open_warehouse(settings) as connection:
        connection.execute("create schema if not exists rating")
        connection.execute("create schema if not exists intermediate")
        connection.execute(
            "create or replace table rating.fct_rated_lines as "
            "select 'line' as rated_line_id, cast(? as decimal(38, 4)) as amount",
            [amount],
        )
        connection.execute(
            "create or replace table intermediate.int_usage__metered as select 1 as event_count"
        )


def amount_in(path: Path) -> str:
    with closing(duckdb.connect(path, read_only=True)) as connection:
        row = connection.execute("select sum(amount) from rating.fct_rated_lines").fetchone()
    assert row is not None
    return str(row[0])


def test_marts_are_published_under_their_own_names_and_nothing_else_is(settings: Settings) -> None:
    rate(settings, "12.5000")

    publish(settings, now=NOW)

    with closing(open_published(settings)) as copy:
        names = copy.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    assert [("rating", "fct_rated_lines")] == names
    assert "12.5000" == amount_in(published_file(settings))


def test_a_view_is_published_without_opening_the_files_behind_it(settings: Settings) -> None:
    """With the function that names them, and with a table of what else it reads."""
    rate(settings, "12.5000")
    part, away = settings.data_dir / "part.parquet", settings.data_dir / "away.parquet"
    with open_warehouse(settings) as connection:
        connection.execute(
            f"""
            copy (select 'line' as rated_line_id, '/source' as event_source) to '{part}';
            create schema staging;
            create view staging.stg_reference__sources as select '/source' as source_prefix;
            create view staging.stg_usage__rejects as select 1 as file_id;
            create macro rating.raw_event_paths() as ['{part}'];
            create view rating.fct_line_events as
            select events.*
            from read_parquet(rating.raw_event_paths()) as events
            inner join rating.fct_rated_lines as lines using (rated_line_id)
            inner join staging.stg_reference__sources as sources
                on events.event_source = sources.source_prefix;
            """
        )
    part.rename(away)

    publish(settings, now=NOW)

    away.rename(part)
    with closing(open_published(settings)) as copy:
        events = copy.execute("from rating.fct_line_events").fetchall()
        names = copy.execute(
            "select schema_name, table_name from duckdb_tables() union all "
            "select schema_name, view_name from duckdb_views() where not internal order by all"
        ).fetchall()
        schemas = copy.execute("select schema_name from duckdb_schemas() where not internal")
        assert {"main", "rating", "staging"} >= {name for (name,) in schemas.fetchall()}
    assert [("line", "/source")] == events
    assert [
        ("rating", "fct_line_events"),
        ("rating", "fct_rated_lines"),
        ("staging", "stg_reference__sources"),
    ] == names


def test_a_view_over_views_is_published_with_them_and_not_with_their_rows(
    settings: Settings,
) -> None:
    rate(settings, "12.5000")
    with open_warehouse(settings) as connection:
        connection.execute(
            """
            create table intermediate.int_words as select 'line' as rated_line_id, 'Calls' as words;
            create view rating.int_lines__described as
            select rated_line_id, words || ' ' || amount as description
            from rating.fct_rated_lines
            inner join intermediate.int_words using (rated_line_id);
            create view rating.fct_line_explanations as select * from rating.int_lines__described;
            create view rating.int_lines__unread as select * from rating.fct_rated_lines;
            """
        )

    publish(settings, now=NOW)

    with closing(open_published(settings)) as copy:
        assert [("line", "Calls 12.5000")] == copy.execute(
            "from rating.fct_line_explanations"
        ).fetchall()
        tables = copy.execute("select table_name from duckdb_tables() order by all").fetchall()
        views = copy.execute(
            "select view_name from duckdb_views() where not internal order by all"
        ).fetchall()
    assert [("fct_rated_lines",), ("int_words",)] == tables
    assert [("fct_line_explanations",), ("int_lines__described",)] == views


def test_a_reader_in_another_process_keeps_its_copy_and_blocks_no_run(settings: Settings) -> None:
    rate(settings, "1.0000")
    publish(settings, now=NOW)
    with subprocess.Popen(
        [sys.executable, "-c", ANALYST, str(settings.published / "current" / "tallyhouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as analyst:
        assert analyst.stdin is not None
        assert analyst.stdout is not None
        seen = [analyst.stdout.readline().strip()]
        for turn in range(1, COPIES_KEPT + 3):
            rate(settings, f"{turn + 1}.0000")
            publish(settings, now=NOW + timedelta(minutes=turn))
        analyst.stdin.write("again\n")
        analyst.stdin.close()
        seen.append(analyst.stdout.readline().strip())

    assert ["1.0000", "1.0000"] == seen
    assert 0 == analyst.returncode
    assert "6.0000" == amount_in(published_file(settings))


def test_the_last_three_copies_are_kept(settings: Settings) -> None:
    rate(settings, "1.0000")

    copies = [publish(settings, now=NOW + timedelta(minutes=turn)) for turn in range(5)]

    kept = sorted(path for path in settings.published.iterdir() if not path.is_symlink())
    assert copies[-3:] == kept


def test_what_an_interrupted_publication_left_behind_is_swept(settings: Settings) -> None:
    rate(settings, "1.0000")
    broken = settings.published / ".incoming-20260101T000000.000000Z"
    broken.mkdir(parents=True)
    (broken / "tallyhouse.duckdb").write_text("half a file")

    publish(settings, now=NOW)

    assert not broken.exists()


def test_an_empty_warehouse_is_not_published_over_a_good_copy(settings: Settings) -> None:
    rate(settings, "1.0000")
    publish(settings, now=NOW)
    with open_warehouse(settings) as connection:
        connection.execute("drop table rating.fct_rated_lines")

    with pytest.raises(NothingToPublishError, match="Rate usage first"):
        publish(settings, now=NOW + timedelta(minutes=1))

    assert "1.0000" == amount_in(published_file(settings))


def test_before_the_first_publication_the_message_says_how_to_get_one(settings: Settings) -> None:
    with pytest.raises(NothingPublishedError, match="tallyhouse run"):
        published_file(settings)
