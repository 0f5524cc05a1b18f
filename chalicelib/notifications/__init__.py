"""What to say, to whom, once."""
