"""How long everything is kept: each period there is, and why it is no shorter.

A store counts from the moment a row is about, or from now if that is later: a business clock may run ahead of
the system's. DynamoDB deletes a row within two days of its time. Weak point: the periods are the same for all
merchants.
"""

from typing import Final

from chalicelib.units import DAY, Seconds

# A delivery and everything said about it, from the end of its window: promise, ledger, texts, photos, who was
# texted. Complaints come within weeks; three months is the house's rule for a number.
BUYERS_KEPT: Final[Seconds] = 90 * DAY
# By what a promise is found: its place in lists, its order, its page, its buyer's mark. Written once, while a
# promise may be moved to later days; who is forgotten must be found for as long as the promise is there.
FOUND_FOR: Final[Seconds] = BUYERS_KEPT + 60 * DAY
# Routes, what vans reported, who drove: from the end of their day, as long as promises on them are asked for.
PLANS_KEPT: Final[Seconds] = BUYERS_KEPT
# Behind its expiry: a late question still finds what became of a hold, a late order still gets its slot.
HOLDS_KEPT: Final[Seconds] = 7 * DAY
# A text that came in: long enough for a merchant to read it. Twilio tries a webhook again within seconds.
INBOUND_KEPT: Final[Seconds] = 30 * DAY
# What a buyer was asked last: prompts are good for a day, and robots are let go for half an hour.
TALKS_KEPT: Final[Seconds] = 7 * DAY
# A gate code, from when it was last learned: households order a few times a year.
DOORS_KEPT: Final[Seconds] = 365 * DAY
# What a depot's days taught, from the last of them: a business that closes for a season finds it again.
PASTS_KEPT: Final[Seconds] = 400 * DAY
# The answer to a request that may come again: clients do within minutes, and a day is what Stripe keeps.
RECEIPTS_KEPT: Final[Seconds] = DAY
# Facts on their way, in our words: a stream keeps its records for a day, and whoever mends it may be away.
OUTBOX_KEPT: Final[Seconds] = 7 * DAY
# Behind its time: what failed for a week is given up.
REMINDERS_KEPT: Final[Seconds] = 7 * DAY
# Behind its end: that a driver's key ran out is a better answer than that there is none.
PASSES_KEPT: Final[Seconds] = 7 * DAY
# A replan, and how often one was asked for: as long as somebody wonders why a route was changed.
REPLANS_KEPT: Final[Seconds] = 30 * DAY
# What merchants were told, and each attempt: as far back as a replay may begin.
EVENTS_KEPT: Final[Seconds] = 30 * DAY
# Requests and holds counted, behind the beginning of the window they are counted in: the longest is an hour.
COUNTS_KEPT: Final[Seconds] = DAY
# Texts counted, behind the beginning of the day they are counted in: it is over then everywhere.
TEXTS_COUNTED: Final[Seconds] = 2 * DAY
