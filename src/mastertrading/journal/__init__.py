"""The journal: a durable memory of facts, each once (DESIGN sections 6 and 8).

::

    opening      open_journal(url, ...) → StoredJournal        the one door
    stored       the journal over a store: transactions, and the lease that fences them
    commands     the command protocol        money    fills, payments, adjustments        safety    the rest
    books        movements → trades          ledger   double entry, chained               translate Decimal ↔ ints
    store        what a store must do:
      memory       in dicts, for replays
      database     in Django's ORM: models, services (write), selectors (read)

Nothing here imports Django but what lies under ``opening``: ``memory`` and ``books`` work without it.
"""
