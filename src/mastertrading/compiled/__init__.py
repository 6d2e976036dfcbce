"""How we compile: the one ``kernel`` decorator and the record helper."""

from mastertrading.compiled.kernel import kernel, records

__all__ = ["kernel", "records"]
