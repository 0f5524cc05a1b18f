"""From slot search to a promise and its changes."""
