"""Evidence packs: what was signed of a month, with all that proves it, for somebody elsewhere.

Owns: reports/evidence/. Does not own: the register, the audit log and the inputs that a pack tells
of; rebuilding a revision from its inputs (orchestration/reproduction); Dagster.
"""

from orchestration.evidence.making import MadePack, make_pack
from orchestration.evidence.problems import PackProblem
from orchestration.evidence.verifying import (
    PackVerification,
    refuse_unsound_pack,
    verify_pack,
)

__all__ = [
    "MadePack",
    "PackProblem",
    "PackVerification",
    "make_pack",
    "refuse_unsound_pack",
    "verify_pack",
]
