"""What the texts say: a typed value for each kind (`sayings`), a module of words for each language.

`chalicelib.notifications.templates` puts the two together.
"""
