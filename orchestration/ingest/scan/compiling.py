"""How functions are compiled, and where their machine code is kept between processes.

Belongs here: the one decorator of all compiled functions. Does not belong here: such a function.

Machine code is kept beside the source, or where NUMBA_CACHE_DIR says, else in the user's own cache,
under a digest of all the modules here: one that is compiled into another would otherwise be out of
date there unnoticed.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])

_HERE: Final = Path(__file__).parent


def _cache_folder() -> Path:
    digest = hashlib.sha256()
    for module in sorted(_HERE.glob("*.py")):
        digest.update(module.read_bytes())
    name = f"compiled-{digest.hexdigest()[:16]}"
    beside = os.environ.get("NUMBA_CACHE_DIR") or _HERE / "__pycache__"
    of_the_user = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    for folder in (Path(beside), Path(of_the_user) / "tallyhouse"):
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder / name, os.W_OK):
            return folder / name
    return Path(tempfile.mkdtemp(prefix="tallyhouse-compiled-"))  # nobody else can put code there


_config: Any = numba.config  # its settings are made at run time
_config.CACHE_DIR = str(_cache_folder())

_njit: Any = numba.njit  # its types know no _nrt
_COMPILED: Final[Any] = _njit(
    nogil=True,
    cache=True,
    error_model="numpy",
    forceinline=True,  # a table of many arrays is passed by value, so a call would cost a copy
    _nrt=False,  # nothing is allocated; counting references to arrays took nine tenths of the time
)


def compiled(function: _Function) -> _Function:
    """Compile a function for the types of its first call; it then runs without the GIL."""
    made: _Function = _COMPILED(function)
    return made
