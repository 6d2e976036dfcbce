"""The live cycle: observe, record, decide, reconcile, send."""
