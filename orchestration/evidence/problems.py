"""What can be wrong with a pack.

Belongs here: the record of a problem. Does not belong here: finding any.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PackProblem:
    """Something in a pack that is not as it must be.

    Attributes:
        path: the file in the pack, or the archive.
        code: file_changed, file_missing, file_unlisted, archive_changed, list_changed,
            chain_broken, content_differs, sums_differ or table_differs.
        message: what is wrong.
    """

    path: str
    code: str
    message: str
