"""How a buyer's text is read: words become signs, signs become phrases, phrases an intent.

`tokens` cuts a text up, a language module says what its words signify (`signs`), `grammar` holds the ways in
which signs make sense together, the same for every language, `times` reads days and hours, and `covering`
finds the phrases that leave nothing unread.
"""
