"""What people look at: the report of a run. Surfaces show; they decide nothing."""
