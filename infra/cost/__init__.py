"""What a million searches and a thousand promises cost, from what they really use and list prices.

    python -m infra.cost

Weak point: what waiting for the store, the queue and Twilio takes in a region cannot be measured here and is
assumed; `prices.ASSUMED` says what, and each of those figures can be given.
"""
