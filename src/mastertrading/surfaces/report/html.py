"""Markup that is safe by construction: a text is escaped unless it is `Html` already."""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID = frozenset({"br", "col", "hr", "input", "link", "meta"})


class Html(str):
    """A text that is markup."""

    __slots__ = ()


Child = str | Iterable[str] | None


def el(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """Make an element.

    Parameters
    ----------
    children
        Texts (escaped), `Html` (as it is), iterables of both, or None.
    attributes
        ``class_`` is ``class``, ``data_figure`` is ``data-figure``; None and False are left out, True has no value.
    """
    start = f"<{name}{''.join(map(_attribute, attributes.items()))}>"
    return Html(start if name in VOID else f"{start}{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """Put pieces one after the other."""
    return Html("".join(map(_text, children)))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return html.escape(child, quote=False)
    return "".join(map(_text, child))


def _attribute(item: tuple[str, str | int | float | bool | None]) -> str:
    name, value = item[0].rstrip("_").replace("_", "-"), item[1]
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
