"""The register: the write-once list of signed entries, and the only truth of what was billed.

Owns: register/ but for its journals, its lock, its commits, the proof that it is what was
committed. Does not own: register/journals (operations_db), what a revision contains (freeze.py),
whether a person may sign (sign_off_rules.py), rows in the operations database (derived_rows.py),
anything sent to an ERP (posting.py).

Consistency:
* a commit is the hard link of its manifest; before that instant nothing of it exists for a reader;
* two commits can never both take one sequence, nor bill one difference twice (compare-and-set);
* a file is never changed or removed once a manifest lists it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from filelock import FileLock, Timeout

from orchestration.billing.canonical import bytes_digest
from orchestration.billing.commits import RegisterSession
from orchestration.billing.correction_causes import CAUSE_SCHEMA, CAUSES
from orchestration.billing.decisions import held_table, sign_off_table
from orchestration.billing.entries import fold_billed
from orchestration.billing.manifests import (
    Head,
    Manifest,
    RegisterProblem,
    head_of,
    inspect_chain,
    inspect_files,
    manifest_path,
    read_chain,
)
from orchestration.billing.refusals import RegisterBusyError
from orchestration.billing.signed_rows import read_entries, read_rows
from orchestration.billing.waivers import read_waivers, waiver_table
from orchestration.durable import (
    BESIDE_SUFFIX,
    Steps,
    disk_errors,
    make_folder,
    no_steps,
    sync_folder,
)
from orchestration.operations_db import replace_parquet
from orchestration.operations_db.journals import JOURNALS_FOLDER
from orchestration.settings import Settings

LOCK_NAME: Final = ".lock"
SWEPT_FOLDER: Final = "swept"
_KEPT_FOLDERS: Final = (SWEPT_FOLDER, JOURNALS_FOLDER)
LOCK_WAIT_SECONDS: Final = 60.0


class Register:
    """One register folder.

    Attributes:
        folder: register/ of a data directory; made by the first commit.
    """

    def __init__(
        self, folder: Path, *, steps: Steps = no_steps, wait_seconds: float = LOCK_WAIT_SECONDS
    ) -> None:
        self.folder = folder
        self._steps = steps
        self._wait_seconds = wait_seconds

    def chain(self) -> tuple[Manifest, ...]:
        """Every commit in order.

        Raises:
            RegisterDamagedError: a manifest is missing or changed.
        """
        return read_chain(self.folder)

    def has_commit(self, sequence: int) -> bool:
        """Whether there is a commit of that number; nothing is read or proved."""
        return (self.folder / manifest_path(sequence)).exists()

    def head(self) -> Head:
        """The last commit; sequence 0 and 64 zeros when there is none.

        Raises:
            RegisterDamagedError: a manifest is missing or changed.
        """
        return head_of(self.chain())

    def entries(self, chain: Sequence[Manifest] | None = None) -> pa.Table:
        """Every signed entry in order of signature, with its sequence and manifest digest.

        Returns:
            A table of REGISTER_ENTRY_SCHEMA. Instants are naive UTC, amounts have scale 4.

        Raises:
            RegisterDamagedError: a committed file is missing or changed.
        """
        return read_entries(self.folder, self.chain() if chain is None else chain)

    def billed(self, keys: Iterable[str] | None = None) -> dict[str, Decimal]:
        """What was billed per settlement key; a key that was never billed is absent.

        Raises:
            RegisterDamagedError: a committed file is missing or changed.
        """
        return fold_billed(self.entries(), keys=keys)

    def verify(self, *, known_manifest_sha256: Iterable[str] = ()) -> tuple[RegisterProblem, ...]:
        """Walk the whole chain and every listed file; report each problem with its file.

        Args:
            known_manifest_sha256: digests that left the folder, from ERP memos, evidence packs or
                the operations database. Each must be a commit of the chain.
        """
        manifests, problems = inspect_chain(self.folder)
        present = {manifest.sha256 for manifest in manifests}
        forgotten = tuple(
            RegisterProblem(
                path=manifest_path(len(manifests)),
                code="commit_forgotten",
                message=f"No commit has the digest {digest}, which was printed outside the "
                "register. Restore register/ from a copy that has it, then verify again.",
            )
            for digest in sorted(set(known_manifest_sha256) - present)
        )
        return problems + inspect_files(self.folder, manifests) + forgotten

    def commit(
        self,
        *,
        kind: str,
        subject: Mapping[str, Any],
        now: datetime,
        entries: pa.Table | None = None,
        held: pa.Table | None = None,
    ) -> Manifest:
        """Sign entries: all of them become part of the register, or none does.

        Args:
            kind: sign, reject or record (freezes are written by freeze.py).
            subject: who, why, about what; kept in the manifest.
            now: the instant of the commit, aware.
            entries: rows of ENTRY_SCHEMA. billed_before of each is what the register said before
                this commit, also when several entries of one commit share a key.
            held: rows of HELD_SCHEMA.

        Raises:
            RegisterMovedError: billed_before is not what the register says; names the keys.
            PostingKeyTakenError: a posting key was signed before.
            EntryInvalidError: an entry breaks the rules of its kind.
            RegisterBusyError: another process held the lock for too long.
            RegisterDamagedError: a committed file is missing or changed.
            RegisterWriteError: the disk refused.
        """
        with self.writing() as session:
            return session.commit(kind=kind, subject=subject, now=now, entries=entries, held=held)

    @contextmanager
    def writing(self) -> Iterator[RegisterSession]:
        """Hold the only right to write; what an interrupted commit left behind is swept first.

        Raises:
            RegisterBusyError: another process held the lock for too long.
            RegisterDamagedError: a manifest is missing or changed; nothing is swept then.
            RegisterWriteError: the disk refused.
        """
        with disk_errors(f"Opened the register {self.folder} for writing"):
            make_folder(self.folder)
            lock = FileLock(self.folder / LOCK_NAME, timeout=self._wait_seconds)
            try:
                lock.acquire()
            except Timeout as error:
                raise RegisterBusyError(
                    f"Waited {self._wait_seconds:g} s to write the register {self.folder}: another "
                    "process is writing it. Wait for that signature to end, then run again."
                ) from error
        try:
            chain = self.chain()
            with disk_errors(f"Swept the register {self.folder}"):
                swept = self._sweep(chain)
            yield RegisterSession(self.folder, chain, self._steps, swept=swept)
        finally:
            lock.release()

    def sweep(self) -> tuple[str, ...]:
        """Take away what no manifest lists: remains of interrupted commits.

        A file that was never finished is deleted. A finished one moves to swept/, because after the
        loss of a manifest it would be evidence.

        Returns:
            Paths relative to register/, as they were.

        Raises:
            RegisterDamagedError: a manifest is missing or changed; nothing is swept then.
        """
        with self.writing() as session:
            return session.swept

    def _sweep(self, chain: Sequence[Manifest]) -> tuple[str, ...]:
        known = {each.path for manifest in chain for each in manifest.files}
        known |= {manifest_path(manifest.sequence) for manifest in chain} | {LOCK_NAME}
        swept = []
        for path in sorted(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            name = relative.as_posix()
            if not path.is_file() or name in known or relative.parts[0] in _KEPT_FOLDERS:
                continue
            if path.name.endswith(BESIDE_SUFFIX):
                path.unlink()
            else:
                digest = bytes_digest(path.read_bytes())
                place = self.folder / SWEPT_FOLDER / f"{name.replace('/', '__')}.{digest[:16]}"
                make_folder(place.parent)
                path.rename(place)
                sync_folder(path.parent)
            swept.append(name)
        return tuple(swept)


def write_register_inputs(settings: Settings) -> None:
    """Write what dbt reads of the register: entries, sign-offs, held documents and waivers.

    Parquet files in warehouse/inputs, each replaced atomically, with their columns also when there
    is nothing in them. Rows: one per signed entry, one per decision, one per held line, one per
    waiver of an exception. All of them show one state of the register.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
    """
    settings.warehouse_inputs.mkdir(parents=True, exist_ok=True)
    for name, table in register_inputs(settings).items():
        replace_parquet(settings.warehouse_inputs / f"{name}.parquet", table.schema, [table])


def register_inputs(
    settings: Settings, *, wanted: Callable[[pa.Table], pa.Table] | None = None
) -> dict[str, pa.Table]:
    """Return the tables that write_register_inputs writes, by name.

    Args:
        settings: whose register.
        wanted: picks the entries that are needed; None means all of them.

    Raises:
        RegisterDamagedError: a committed file is missing or changed.
    """
    register = Register(settings.register)
    chain = register.chain()
    entries = register.entries(chain)
    if wanted is not None:
        entries = wanted(entries)
    return {
        "register_entries": entries,
        "sign_offs": sign_off_table(chain),
        "held_documents": held_table(settings.register, chain, entries),
        "correction_causes": read_rows(settings.register, chain, role=CAUSES, schema=CAUSE_SCHEMA),
        "exception_waivers": waiver_table(read_waivers(settings.register, chain)),
    }
