"""How fast it is: fixed workloads, measured beside a minimal loop that makes the very same trades."""
