"""How we compile: the one ``kernel`` decorator and the record helper."""

from mastertrading.compiled.borrowing import borrow
from mastertrading.compiled.fetching import fetch
from mastertrading.compiled.kernel import kernel, records

__all__ = ["borrow", "fetch", "kernel", "records"]
