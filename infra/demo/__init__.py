"""A real city sells a day of deliveries, in front of your eyes.

    make demo
    make demo ARGS="--exit --shoppers 100 --seed 7"

Starts the sandbox, describes a fleet in metropolitan Porto through the public API, lets shoppers search, hold
and confirm over HTTP, checks the resulting plans with arithmetic of its own, draws them, and goes on serving.
Its weak point: the streets are real and the shoppers are not; their wishes are drawn from a seed.
"""
