"""Its place puts ``tests/`` on the import path: ``factories`` and ``oracles`` are importable from every test."""
