"""A run's statistics from its summary file: the same object that was written."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mastertrading.backtest.statistics import Statistics
from mastertrading.domain.errors import DataUnreadable

T = TypeVar("T")


def statistics_of(summary: Mapping[str, Any]) -> Statistics:
    """The statistics of a ``summary.json``.

    Raises
    ------
    DataUnreadable
        If something is missing, as in a run of another version.
    """
    try:
        return _restored(Statistics, summary)
    except (KeyError, TypeError) as error:
        raise DataUnreadable(
            "the summary of the run is of another version",
            why=f"it lacks {error}",
            hint="run it again, or read it with the version that wrote it",
        ) from error


def _restored(kind: type[T], value: Mapping[str, Any]) -> T:
    hints = get_type_hints(kind)
    return kind(**{one.name: _value(hints[one.name], value[one.name]) for one in fields(kind)})  # type: ignore[arg-type]


def _value(kind: Any, value: Any) -> Any:
    """A plain value as its annotation wants it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        given = [one for one in inner if one is not type(None)]
        return None if value is None else _value(given[0], value)
    if origin is tuple:
        return tuple(_value(inner[0], one) for one in value)
    return _restored(kind, value) if isinstance(kind, type) and is_dataclass(kind) else value
