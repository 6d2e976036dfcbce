"""Campaigns: the live cycle on a local exchange while everything goes wrong, judged by what the exchange knows."""
