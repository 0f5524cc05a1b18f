"""A real city sells a day of deliveries and keeps its word, in front of your eyes.

    make demo
    make demo ARGS="--exit --shoppers 100 --seed 7"

Starts the sandbox, describes a fleet in metropolitan Porto through the public API, lets shoppers search, hold
and confirm over HTTP, checks the resulting plans with arithmetic of its own, draws them, lets robo drivers
deliver one depot's next day through whatever the streets have in store, and goes on serving.
Its weak point: the streets are real; shoppers and drivers are not, what they want and meet is drawn
from a seed.
"""
