"""The compiled scanner: lines of JSON to columns of good events, and their hashes.

Belongs here: what is done with every line that is plainly good, compiled by Numba to machine code.
Does not belong here: the rules (exact.py, exact_data.py), which judge every line that this leaves
aside; reading files; writing files.

It accepts only what the exact rules accept, with the same values; a line that it is not sure of,
good or bad, is left aside untouched. A module of compiled functions holds loops over plain arrays,
no strings, no objects; what it is given it reads and what it is given to fill it fills.
"""

from orchestration.ingest.scan.scanner import LineScanner, Scanned

__all__ = ["LineScanner", "Scanned"]
