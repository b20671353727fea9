"""The files of a reference folder, read once into memory, so that what is checked is what is kept.

Belongs here: which files count, how large they may be, and the digest of all of them.
Does not belong here: what they say.

    price_book/**/*.yml (or .yaml)      event_contracts/<event type>/<version>.json
    contract_terms/**/*.yml (or .yaml)
    sources.yml   policy.yml   restates.yml (optional)   tables/<table>.csv (or .parquet)
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.price_book.problems import ProblemList
from orchestration.price_book.table_models import OPTIONAL_TABLES, TABLE_MODELS, columns_of

COMPILED_FORMAT: Final = 5  # counts up when the same files compile into other tables
MAX_FILES: Final = 10_000
SINGLE_FILES: Final[Mapping[str, str]] = {  # with what each says
    "policy.yml": "who may sign what",
    "sources.yml": "which system each source of usage belongs to",
}
OPTIONAL_FILES: Final = ("restates.yml",)
YAML_SUFFIXES: Final = (".yml", ".yaml")
YAML_FOLDERS: Final = ("contract_terms", "price_book")
FOLDERS: Final = ("contract_terms", "event_contracts", "price_book")
TABLE_SUFFIXES: Final = (".csv", ".parquet")
_NO_PRICE_BOOK: Final = (
    "There is no file ending in .yml; such files say what is sold at which price."
)
MAX_BYTES: Final[Mapping[str, int]] = {
    ".yml": 8 << 20,
    ".yaml": 8 << 20,
    ".json": 1 << 20,
    ".csv": 512 << 20,
    ".parquet": 512 << 20,
}


@dataclass(frozen=True)
class FolderSnapshot:
    """Every file that counts, by its path relative to the folder, in the order of the paths."""

    files: Mapping[str, bytes]

    @property
    def content_sha256(self) -> str:
        """Digest of all paths and bytes and of the format that they compile into, in hex."""
        digest = hashlib.sha256(f"tallyhouse reference {COMPILED_FORMAT}\n".encode())
        for path, content in sorted(self.files.items()):
            name = path.encode()
            digest.update(len(name).to_bytes(8) + name + len(content).to_bytes(8) + content)
        return digest.hexdigest()

    def under(self, folder: str) -> dict[str, bytes]:
        """The files whose path begins with folder/, in the order of their paths."""
        return {
            path: content
            for path, content in sorted(self.files.items())
            if path.startswith(f"{folder}/")
        }

    def write(self, folder: Path) -> None:
        """Write every file under a folder, as it was read."""
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


@dataclass(frozen=True)
class FolderParts:
    """Parts of a reference folder: files by path, and which parts they are all of.

    Attributes:
        files: as in FolderSnapshot.
        names: a part is a folder (price_book), a table (tables/contracts) or a file (policy.yml).
    """

    files: Mapping[str, bytes]
    names: frozenset[str]

    def holds(self, path: str) -> bool:
        """Whether a file, by its path in a reference folder, belongs to one of these parts."""
        return _part_of(path) in self.names

    def over(self, whole: FolderSnapshot) -> FolderSnapshot:
        """A folder with each of these parts in place of its own; its other parts stay."""
        kept = {path: content for path, content in whole.files.items() if not self.holds(path)}
        return FolderSnapshot(dict(sorted((kept | dict(self.files)).items())))


def read_folder(folder: Path, problems: ProblemList) -> FolderSnapshot:
    """Read every file that counts; what cannot be read or is missing becomes a problem.

    Names that begin with a dot are left alone. Symbolic links to regular files are followed.
    """
    if not folder.is_dir():
        problems.add("reference_folder_missing", ".", 1, f"{folder} is not a folder.")
        return FolderSnapshot({})
    files = _files(folder, problems)
    _check_completeness(folder, problems)
    return FolderSnapshot(files)


def read_parts(folder: Path, problems: ProblemList) -> FolderParts:
    """Read what a folder holds of a reference folder, as read_folder does; it need not be whole."""
    names = {name for name in SINGLE_FILES if os.path.lexists(folder / name)}
    names |= {name for name in FOLDERS if (folder / name).is_dir()}
    files = _files(folder, problems)
    names |= {_part_of(name) for name in files}
    if "price_book" in names:
        _check_price_book(folder, problems)
    _check_given_once(folder, problems)
    return FolderParts(files, frozenset(names))


def _files(folder: Path, problems: ProblemList) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number, path in enumerate(_paths(folder)):
        if number >= MAX_FILES:
            problems.add("too_many_files", ".", 1, f"The folder has over {MAX_FILES} files.")
            break
        name = path.relative_to(folder).as_posix()
        if _counts(name, problems):
            content = _content(path, name, problems)
            if content is not None:
                files[name] = content
    return dict(sorted(files.items()))


def _part_of(name: str) -> str:
    first, _, rest = name.partition("/")
    return f"{first}/{Path(rest).stem}" if first == "tables" else first


def _paths(folder: Path) -> Iterator[Path]:
    for name in (*SINGLE_FILES, *OPTIONAL_FILES):
        if os.path.lexists(folder / name):
            yield folder / name
    for part in (*FOLDERS, "tables"):
        for parent, folders, names in os.walk(folder / part):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))
            yield from (
                Path(parent) / name for name in folders if Path(name).suffix in MAX_BYTES
            )  # a folder named like a file is reported as one


def _counts(name: str, problems: ProblemList) -> bool:
    part, _, rest = name.partition("/")
    suffix = Path(name).suffix
    if part == "tables":
        if suffix not in TABLE_SUFFIXES:
            problems.add(
                "file_ignored", name, 1, "It is neither CSV nor Parquet.", severity="warning"
            )
            return False
        if "/" in rest or Path(rest).stem not in TABLE_MODELS:
            known = ", ".join(TABLE_MODELS)
            problems.add("unexpected_file", name, 1, f"The tables are {known}.")
            return False
    if part in YAML_FOLDERS and suffix not in YAML_SUFFIXES:
        problems.add("file_ignored", name, 1, "It does not end in .yml.", severity="warning")
        return False
    return True


def _content(path: Path, name: str, problems: ProblemList) -> bytes | None:
    limit = MAX_BYTES.get(path.suffix, MAX_BYTES[".json"])
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            problems.add("unreadable_file", name, 1, "It is not a regular file.")
            return None
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        problems.add("unreadable_file", name, 1, f"It cannot be read: {error.strerror}.")
        return None
    if len(content) > limit:
        problems.add("file_too_large", name, 1, f"It has over {limit} bytes.")
        return None
    return content


def _check_completeness(folder: Path, problems: ProblemList) -> None:
    for name, says in SINGLE_FILES.items():
        if not os.path.lexists(folder / name):
            problems.add("missing_file", name, 1, f"The file is missing; it says {says}.")
    _check_price_book(folder, problems)
    for table in TABLE_MODELS:
        if table not in OPTIONAL_TABLES and not _given(folder, table):
            header = ",".join(columns_of(table))
            problems.add(
                "missing_file",
                f"tables/{table}.csv",
                1,
                "The table is missing; one without rows is a file that holds only its header: "
                f"{header}",
            )
    _check_given_once(folder, problems)


def _check_price_book(folder: Path, problems: ProblemList) -> None:
    if not any(path.suffix in YAML_SUFFIXES for path in (folder / "price_book").glob("**/*.y*ml")):
        problems.add("missing_file", "price_book", 1, _NO_PRICE_BOOK)


def _check_given_once(folder: Path, problems: ProblemList) -> None:
    for table in TABLE_MODELS:
        first, *others = _given(folder, table) or [""]
        for name in others:
            problems.add("table_given_twice", name, 1, f"{first} holds the same table.")


def _given(folder: Path, table: str) -> list[str]:
    return [
        f"tables/{table}{suffix}"
        for suffix in TABLE_SUFFIXES
        if os.path.lexists(folder / "tables" / f"{table}{suffix}")
    ]
