"""What merchants are told: events of theirs, signed, sent until they are taken, and sent again on demand."""
