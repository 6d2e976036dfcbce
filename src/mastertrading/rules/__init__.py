"""The rule book: one small compiled function a rule. Numbers and records in, numbers out; no clock, no I/O."""
