"""How a buyer's text is read: words become signs, signs become phrases, phrases an intent.

`tokens` cuts a text up, a language's list in `words` says what its words signify (`signs`, `lexicons`),
`grammar` holds the ways in which signs make sense together, the same for every language, and `readers` what
they mean. `times` reads days and hours, `scores` what somebody thought, `asides` what is told beside a wish,
and `covering` finds the phrases that leave nothing unread.
"""
