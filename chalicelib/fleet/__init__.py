"""What a merchant delivers with: depots, vans, their calendar, and the plans these yield.

Every feature stands on it; it knows no buyer, only the ids of stops.
"""
