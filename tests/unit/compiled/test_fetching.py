"""Asking for memory early changes nothing, compiled or interpreted."""

from __future__ import annotations

import numba
import numpy as np

from mastertrading.compiled import fetch


def asked_and_read(array, t):
    fetch(array, t, 1)
    return array[t, 1]


def test_what_was_asked_for_is_what_it_was():
    array = np.arange(12.0).reshape(6, 2)
    compiled = numba.njit(asked_and_read)
    assert asked_and_read(array, 4) == compiled(array, 4) == 9.0
    assert array.ravel().tolist() == list(range(12))


def test_the_machine_is_really_asked():
    compiled = numba.njit(asked_and_read)
    compiled(np.zeros((3, 2)), 1)
    (text,) = compiled.inspect_llvm().values()
    assert "llvm.prefetch" in text
