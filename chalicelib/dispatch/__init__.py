"""The plan between bookings, and the day in motion."""
