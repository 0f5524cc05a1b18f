"""Texts through Twilio's REST API, with Twilio's own client.

Nothing is retried here: a POST that timed out may have been taken. One that was refused for its token was
not, and goes out with the next token: while tokens are exchanged, either may be the good one. Errors are told
apart by status and code only, because Twilio's messages quote the recipient's number. Weak point: importing
the client costs 0.2 s, so only the consumer of facts does.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests import RequestException
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from chalicelib.adapters.secrets import Parameter, TwilioAccount
from chalicelib.errors import Upstream
from chalicelib.notifications.service import TextRefused

_TIMEOUT_SECONDS = 8.0
_UNKNOWN_TOKEN, _UNKNOWN_TOKEN_CODE = 401, "20003"
_RETRY_LATER = 429
_SID = re.compile(r"[SM]M[0-9a-f]{32}", re.ASCII)


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
    account
        Whom Twilio knows us as.
    api_url
        Where requests go instead of Twilio; None in every stage that texts people.

    Raises
    ------
    Upstream
        If the account cannot be read: better now than when somebody has claimed a text.
    """

    def __init__(self, account: Parameter[TwilioAccount], *, api_url: str | None) -> None:
        logging.getLogger("twilio.http_client").setLevel(logging.WARNING)  # INFO would log numbers
        account.current()
        self._account = account
        self._http = _Elsewhere(api_url) if api_url else TwilioHttpClient(timeout=_TIMEOUT_SECONDS)

    def send(self, to: str, body: str) -> str:
        """Send one text and give its SID.

        Raises
        ------
        TextRefused
            Twilio will not take it, or knows none of our tokens.
        Upstream
            Twilio was not reached, or whether it took the text is not known.
        """
        for account_sid, token, sender in self._candidates():
            client = Client(account_sid, token, http_client=self._http)
            try:
                sent = client.messages.create(to=to, from_=sender, body=body)
            except TwilioRestException as error:
                if error.status == _UNKNOWN_TOKEN:
                    continue
                if error.status == _RETRY_LATER or error.status >= 500:
                    raise Upstream("Twilio is busy.") from error
                raise TextRefused("Twilio refused the text.", code=str(error.code)) from None
            except RequestException:
                raise Upstream("Twilio did not answer.") from None
            except (ValueError, TypeError, AttributeError):  # its client takes any answer for one of Twilio's
                raise Upstream("The answer is not one of Twilio's.") from None
            if not isinstance(sent.sid, str) or not _SID.fullmatch(sent.sid):
                raise Upstream("The answer names no text.")
            return sent.sid
        raise TextRefused("Twilio knows none of our tokens.", code=_UNKNOWN_TOKEN_CODE)

    def _candidates(self) -> Iterator[tuple[str, str, str]]:
        known = self._account.current()
        for token in known.auth_tokens:
            yield known.account_sid, token, known.sender
        renewed = self._account.renewed()
        for token in renewed.auth_tokens:
            if (renewed.account_sid, token) not in {(known.account_sid, old) for old in known.auth_tokens}:
                yield renewed.account_sid, token, renewed.sender


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
