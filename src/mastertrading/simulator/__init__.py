"""The local exchange: one matching and account engine, and a thin façade for each wire protocol.

::

    tape ──► conductor ──► exchange (matching, accounts, ledger) ──events──► façades ──frames──► transport
    bars,     clock,            ▲                                              │                    │
    frames    lockstep          └───────────────── commands ◄──────────────────┘◄──requests─────────┘
                                                                                       faults sit here

The exchange counts in ticks, lots and atoms and knows no protocol. A façade knows one protocol and no socket. A
transport (sockets, or the same process on virtual time) knows neither.
"""
