"""Bars in, indicators out: each is a small state with ``peek`` and ``step``, and one fold over an array."""
