"""The day in motion: what drivers report, and what that makes of plans and promises.

It stands above the promises: a milestone of a van is a step of a promise, in one transaction.
"""
