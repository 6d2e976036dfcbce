"""Bars in, one forecast in [-1, 1] a module out, with the reasons."""
