"""Market data at rest: the store, the door (importers and quality), and markets in memory, recorded or made.

``load_market`` reads a panel from a lake or a folder of files; ``synthesize`` and ``random_walk`` make one.
"""
