"""The fake Twilio's way back: forms signed by Twilio's own validator, posted behind its answers.

One thread posts one form after the other, and a form that nobody takes once more, as Twilio does. Only this
machine is ever called: a fake that texts nobody should ring at nobody's door either. Weak point: a receiver
that is slow holds up those behind it.
"""

import threading
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from queue import SimpleQueue
from typing import Final
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

_PATIENCE_SECONDS: Final = 15.0
_TRIES: Final = 2
_HERE: Final = ("127.0.0.1", "localhost")

type Form = Mapping[str, str]


class Courier:
    """Posts forms, in the order in which they are handed over.

    Parameters
    ----------
    auth_tokens
        Whoever is first in it when a form leaves signs it.
    """

    def __init__(self, auth_tokens: Collection[str]) -> None:
        self._auth_tokens = auth_tokens
        self._waiting: SimpleQueue[tuple[str, Form]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def bring(self, url: str, form: Form) -> None:
        """Post a form soon; nothing if the address is not on this machine."""
        if urlsplit(url).hostname in _HERE:
            self._waiting.put((url, form))

    def _run(self) -> None:
        while True:
            url, form = self._waiting.get()
            for _ in range(_TRIES):
                if self._post(url, form):
                    break

    def _post(self, url: str, form: Form) -> bool:
        """Post once; whether anybody answered, whatever it was."""
        token = next(iter(self._auth_tokens), "")
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": RequestValidator(token).compute_signature(url, dict(form)),
            "User-Agent": "TwilioProxy/1.1",
        }
        request = urllib.request.Request(url, urlencode(form).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS):
                return True
        except urllib.error.HTTPError as answered:
            answered.close()
            return True
        except OSError:
            return False
