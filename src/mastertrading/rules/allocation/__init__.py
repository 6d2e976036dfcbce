"""Forecasts in, one wish an instrument out: net forecast, module weights, sessions, risk budget."""
