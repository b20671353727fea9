"""What a file is, by its name: JSON Lines, CSV or Parquet, plain or compressed.

Belongs here: suffixes and the names that are passed over. Does not belong here: reading.
"""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

FileFormat = Literal["json_lines", "csv", "parquet"]
Compression = Literal["gzip", "zstd"]

_FORMATS: dict[str, FileFormat] = {
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".csv": "csv",
    ".parquet": "parquet",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial")


@dataclass(frozen=True)
class UsageFormat:
    """The format of a usage file and how it is compressed, if it is."""

    file_format: FileFormat
    compression: Compression | None

    @property
    def name(self) -> str:
        """Return the name that the manifest keeps, like json_lines+gzip."""
        return self.file_format + (f"+{self.compression}" if self.compression else "")


def format_of(path: PurePath) -> UsageFormat | None:
    """Return the format that a name announces, whatever its case; None for an unknown one."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression is not None:
        suffixes.pop()
    file_format = _FORMATS.get(suffixes[-1]) if suffixes else None
    if file_format is None or (file_format == "parquet" and compression is not None):
        return None
    return UsageFormat(file_format, compression)


def is_passed_over(relative: PurePath) -> bool:
    """Whether a name says that it is no delivered file: hidden, or still being written."""
    is_hidden = any(part.startswith((".", "_")) for part in relative.parts)
    return is_hidden or relative.name.lower().endswith(UNFINISHED_SUFFIXES)
