"""Forgetting a buyer: what was promised stays on record, whom it was promised to does not."""
