"""What buyers write back acts: the right order is found, changed, and its buyer told what came of it."""
