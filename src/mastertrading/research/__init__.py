"""Studies over many runs: sweeps, and a user's own signals."""
