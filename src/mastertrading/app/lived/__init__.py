"""A trader's journal in the words of a backtest, so that statistics, tables and questions exist once.

==========  ==============================================================================================
account     what was traded: settings in force, instruments, modules
books       the journal's trades, fills, funding, stops, events and equity as the engine's records
source      the tables that questions about single minutes read (``why``)
moment      what only a live account has: commands and their answers, incidents, people's commands
==========  ==============================================================================================
"""

WEEK_MS = 8 * 86_400_000
"""How far back trades matter to a minute: module weights remember a week."""
