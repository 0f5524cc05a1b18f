"""What a buyer sees of a delivery: the time, the van on its last stretch, what changed, what may be done."""
