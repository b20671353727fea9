"""`python -m tests.benchmarks`: what `make bench` runs.

Belongs here: this door only. Does not belong here: the benchmarks, which are bench_pipeline's.
"""

import sys

from tests.benchmarks.bench_pipeline import main

if __name__ == "__main__":
    sys.exit(main())
