"""Freed memory is kept where the allocator can be told so, and nothing happens where it cannot."""

from __future__ import annotations

import ctypes

import pytest

from mastertrading.research import keeping


class Allocator:
    """What ``ctypes`` gives for a C library that has ``mallopt``."""

    def __init__(self, answer):
        self.told, self.answer = {}, answer

    def mallopt(self, option, value):
        self.told[option] = value
        return self.answer


def test_the_allocator_is_told_both_limits(monkeypatch):
    allocator = Allocator(1)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: allocator)
    assert keeping.keep_memory() is True
    assert allocator.told == {-3: keeping.LARGEST_KEPT, -1: keeping.KEPT_AT_MOST}


@pytest.mark.parametrize("library", [lambda name: Allocator(0), lambda name: object()])
def test_an_allocator_that_refuses_or_cannot_be_told_is_no_error(monkeypatch, library):
    monkeypatch.setattr(ctypes, "CDLL", library)
    assert keeping.keep_memory() is False
