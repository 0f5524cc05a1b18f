"""Merchants: their settings, their API keys, their share of our time."""
