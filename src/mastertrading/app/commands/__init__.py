"""One module a command: ``SUMMARY``, ``configure(parser)`` and ``run(args) -> int``.

A module here is imported when its command was chosen, and imports heavy libraries inside ``run`` only, so
that its ``--help`` is quick too.
"""
