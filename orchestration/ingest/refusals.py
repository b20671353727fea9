"""Refusing a whole file: what is wrong with it, and that nothing of it is loaded.

Belongs here: the exception that stops one file and lets the others go on; a busy ingestion.
Does not belong here: rejects, which are single lines.
"""

from pathlib import Path

from orchestration.failures import InputError, RefusedError, TechnicalError


class FileRefusedError(InputError):
    """A usage file cannot be loaded; the files beside it can.

    Attributes:
        path: the file. file_id: its number in this run.
    """

    code = "file_refused"

    def __init__(self, message: str, *, code: str, path: Path, file_id: int) -> None:
        super().__init__(message, code=code)
        self.path = path
        self.file_id = file_id


class FileChangedError(TechnicalError):
    """A file changed while it was read; the next run will read it."""

    code = "still_being_written"

    def __init__(self, path: Path, file_id: int) -> None:
        super().__init__(
            f"Read {path}: it changed meanwhile. It is left for the next run; write files under "
            "another name, for example with .tmp, and rename them when they are complete."
        )
        self.path = path
        self.file_id = file_id


class IngestionBusyError(TechnicalError):
    """Another process is loading usage into the same data directory."""

    code = "ingestion_busy"


class RawFilesUnlistedError(RefusedError):
    """Committed raw files are not listed any more; nothing was removed."""

    code = "raw_files_unlisted"


class IngestionBrokenError(TechnicalError):
    """Lines were lost or invented on the way; nothing was committed (invariant 1)."""

    code = "ingestion_broken"
