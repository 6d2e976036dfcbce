"""What a process that is to run for weeks does once, when everything is loaded."""

from __future__ import annotations

import ctypes
import gc


def settle() -> None:
    """Give back what only loading needed, and let the collector pass over what stays.

    A full collection looks at each of some hundred thousand objects of modules, settings and compiled code, which
    takes longer than a decision may, and finds nothing. Frozen, they are not looked at any more.
    """
    gc.collect()
    gc.freeze()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return  # only glibc keeps freed pages that can be asked for
