"""Texts through Twilio's REST API, with Twilio's own client.

Nothing is retried here: a POST that timed out may have been taken. Errors are told apart by status and code
only, because Twilio's messages quote the recipient's number. Weak point: importing the client costs 0.2 s, so
only the consumer of facts does.
"""

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests import RequestException
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from chalicelib.errors import Upstream
from chalicelib.notifications.service import TextRefused

_TIMEOUT_SECONDS = 8.0
_RETRY_LATER = 429


class _Elsewhere(TwilioHttpClient):
    """Sends what is meant for Twilio to another host: a sandbox's."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=_TIMEOUT_SECONDS)
        self._base = urlsplit(base_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Swap scheme and host; refuses anything that was not meant for Twilio."""
        meant = urlsplit(url)
        if not (meant.hostname or "").endswith(".twilio.com"):
            raise ValueError("only requests for twilio.com are redirected")
        there = meant._replace(scheme=self._base.scheme, netloc=self._base.netloc)
        return super().request(method, urlunsplit(there), *args, **kwargs)


class TwilioSender:
    """Sends texts from one number or messaging service.

    Parameters
    ----------
    api_url
        Where requests go instead of Twilio; None in every stage that texts people.
    """

    def __init__(self, *, account_sid: str, auth_token: str, sender: str, api_url: str | None) -> None:
        logging.getLogger("twilio.http_client").setLevel(logging.WARNING)  # INFO would log numbers
        http = _Elsewhere(api_url) if api_url else TwilioHttpClient(timeout=_TIMEOUT_SECONDS)
        self._client = Client(account_sid, auth_token, http_client=http)
        self._from = sender

    def send(self, to: str, body: str) -> str:
        """Send one text and give its SID.

        Raises
        ------
        TextRefused
            Twilio will not take it.
        Upstream
            Twilio was not reached, or whether it took the text is not known.
        """
        try:
            sent = self._client.messages.create(to=to, from_=self._from, body=body)
        except TwilioRestException as error:
            if error.status == _RETRY_LATER or error.status >= 500:
                raise Upstream("Twilio is busy.") from error
            raise TextRefused("Twilio refused the text.", code=str(error.code)) from None
        except RequestException:
            raise Upstream("Twilio did not answer.") from None
        return str(sent.sid)


def sandbox_inbox(api_url: str, phone: str | None) -> list[dict[str, Any]]:
    """Texts that the sandbox's fake Twilio took, oldest first.

    Raises
    ------
    Upstream
        It does not answer.
    """
    try:
        answer = requests.get(f"{api_url}/_inbox", params={"phone": phone} if phone else {}, timeout=2)
        return list(answer.json()["data"])
    except RequestException:
        raise Upstream("The inbox does not answer.") from None
