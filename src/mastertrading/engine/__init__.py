"""The book, and the one place that says the order of the rules."""
