import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent


class PosterProcesses:
    """Starts posters in processes of their own and says how each ended."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / "poster_process.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, house, *posters, offset_seconds):
        scenario = {
            "data_dir": str(house.data_dir),
            "erp": house.erp_name,
            "offset_seconds": offset_seconds,
            "posters": posters,
        }
        self._process.stdin.write(json.dumps(scenario) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)


@pytest.fixture(scope="module")
def poster_processes():
    started = PosterProcesses()
    yield started
    started.close()
