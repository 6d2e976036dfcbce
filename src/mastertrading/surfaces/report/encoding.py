"""Whole numbers as short text: zigzag, then seven bits a byte (LEB128), then base64.

Neighbouring prices and times differ by little, so their differences take a byte or two. No compression library is
involved: the same numbers give the same text everywhere. ``assets/decode.js`` reads it.
"""

from __future__ import annotations

import base64

import numpy as np

from mastertrading.domain.market import I64

LIMIT = 1 << 52
"""Numbers up to here: a page's numbers are exact up to 2^53, and zigzag needs one bit."""


def pack(values: I64) -> str:
    """Encode whole numbers of any sign, |value| < 2^52.

    Raises
    ------
    ValueError
        If a number is too large.
    """
    numbers = np.ascontiguousarray(values, np.int64).reshape(-1)
    if len(numbers) and int(np.abs(numbers).max()) >= LIMIT:
        raise ValueError("a number is too large for the report")
    rest = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    lengths = np.ones(len(rest), np.int64)
    for bits in range(7, 54, 7):
        lengths += rest >= np.uint64(1 << bits)
    ends = np.cumsum(lengths)
    encoded = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    starts, left = ends - lengths, lengths
    while len(rest):
        more = left > 1
        encoded[starts] = (rest & np.uint64(127)).astype(np.uint8) | (more.astype(np.uint8) << 7)
        rest, starts, left = rest[more] >> np.uint64(7), starts[more] + 1, left[more] - 1
    return base64.b64encode(encoded.tobytes()).decode("ascii")


def pack_rising(values: I64) -> str:
    """Encode numbers by their differences: the first one, then each minus the one before."""
    numbers = np.ascontiguousarray(values, np.int64)
    return pack(np.diff(numbers, prepend=np.int64(0)))


def unpack(text: str) -> I64:
    """Decode what `pack` made."""
    numbers, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return np.array(numbers, np.int64)


def unpack_rising(text: str) -> I64:
    """Decode what `pack_rising` made."""
    return np.cumsum(unpack(text), dtype=np.int64)
