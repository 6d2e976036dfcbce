"""Keeping what was allocated: a process that runs the same work again and again need not ask for its memory anew.

The system's allocator hands arrays of a few MiB back to the kernel as soon as they are freed, and the next run gets
them as fresh pages: each of these is an interruption of a quarter of a microsecond on a machine of one's own and of
several on a virtual one, which for the averages of a sweep is ten times what computing them takes.
"""

from __future__ import annotations

import ctypes

LARGEST_KEPT = 64 << 20
"""Larger arrays still come from the kernel, and go back to it."""
KEPT_AT_MOST = 512 << 20
"""So much free memory may lie at the end of what the process holds."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_memory() -> bool:
    """Tell the allocator of this process to keep freed memory for later; whether it can be told so (glibc).

    For a process of our own: the command line and what measures us call it, a library has no business to.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    return bool(tell(_MMAP_THRESHOLD, LARGEST_KEPT)) and bool(tell(_TRIM_THRESHOLD, KEPT_AT_MOST))
