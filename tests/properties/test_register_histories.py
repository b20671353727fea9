"""Random histories of commits: billed(key) is an independent fold, and no byte can flip."""

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from billing_rows import NOW, entries_table
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.billing.refusals import RegisterMovedError
from orchestration.billing.register import Register

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "billing"
COUNTED = {"bill", "correct", "release", "external", "concession"}

entry = st.tuples(
    st.sampled_from([*sorted(COUNTED), "waive", "carry_close", "credit_draw"]),
    st.sampled_from(["k1", "k2", "k3"]),
    st.decimals(min_value=-(10**12), max_value=10**12, places=4),
)
commit = st.tuples(st.lists(entry, min_size=1, max_size=4), st.booleans())


def put(register, number, rows, billed, *, is_stale):
    table = entries_table(
        *(
            {
                "entry_kind": kind,
                "settlement_key": key,
                "credit_grant_id": "g",
                "amount": amount,
                "billed_before": billed.get(key, Decimal(0)) + (1 if is_stale else 0),
                "posting_key": f"U{number}",
            }
            for kind, key, amount in rows
        )
    )
    register.commit(kind="record", subject={"number": number}, now=NOW, entries=table)


def tell(register, history):
    """Commit a history; returns billed(key) folded independently, and the number of commits."""
    billed, committed = {}, 0
    for number, (rows, is_stale) in enumerate(history):
        compared = {key for kind, key, _ in rows if kind != "credit_draw"}
        if is_stale and compared:
            with pytest.raises(RegisterMovedError) as refused:
                put(register, number, rows, billed, is_stale=True)
            assert compared == set(refused.value.settlement_keys)
            continue
        put(register, number, rows, billed, is_stale=is_stale)
        committed += 1
        for kind, key, amount in rows:
            if kind in COUNTED:
                billed[key] = billed.get(key, Decimal(0)) + amount
    return billed, committed


@settings(max_examples=40, deadline=None)
@given(history=st.lists(commit, max_size=6))
def test_billed_is_an_independent_fold_over_every_committed_entry(history):
    with tempfile.TemporaryDirectory() as folder:
        register = Register(Path(folder) / "register")
        billed, committed = tell(register, history)
        assert billed == register.billed()
        assert committed == register.head().sequence
        assert () == register.verify()
        assert () == register.sweep()


@settings(max_examples=40, deadline=None)
@given(
    history=st.lists(
        st.tuples(st.lists(entry, min_size=1, max_size=3), st.just(False)), min_size=1, max_size=4
    ),
    data=st.data(),
)
def test_any_flipped_byte_is_found_in_its_file(history, data):
    with tempfile.TemporaryDirectory() as folder:
        register = Register(Path(folder) / "register")
        tell(register, history)
        files = sorted(
            path for part in ("manifests", "entries") for path in (register.folder / part).iterdir()
        )
        path = data.draw(st.sampled_from(files))
        content = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= data.draw(st.integers(1, 255))
        path.chmod(0o644)
        path.write_bytes(bytes(content))
        found = {problem.path for problem in register.verify()}
        assert path.relative_to(register.folder).as_posix() in found
