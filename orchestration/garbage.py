"""When Python looks for garbage: not while something is made that stays until the process ends.

Belongs here: the collector's switch. Does not belong here: what is made.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def made_to_stay(*, leaves_garbage: bool = False) -> Iterator[None]:
    """Let nobody look for garbage meanwhile, nor ever again among what is there then.

    Looking for it takes up to a quarter of the time of a long import, and as much later.

    Args:
        leaves_garbage: look for it once at the end; an import leaves next to none.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if leaves_garbage:
            gc.collect()
        gc.freeze()
        if was_enabled:
            gc.enable()
