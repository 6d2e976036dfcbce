"""What goes wrong, on purpose: a catalogue of faults by id, and plans of them, scripted or drawn by seed.

::

    client ──departs──► line ──answers──► façade ──► view ──► exchange
           ◄──returns──      ◄──frames───               ▲         ▲
           network (N), codes (X), market data (D)   sight (X)   acts (X)

A ``Plan`` is the ``Weather`` of a ``Line``: it asks each of its faults at each of these places, in their order.
"""
