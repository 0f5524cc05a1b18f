"""Texts through Twilio's REST API, with Twilio's own client.

Nothing is repeated here: a POST that timed out may have been taken. One that was refused for its token was
not, and goes out with the next token: while tokens are exchanged, either may be the good one. Errors are told
apart by status and code only, because Twilio's messages quote the recipient's number. Threads may share a
sender: each call has a connection to itself, kept for what follows soon. Weak point: importing the client
costs 0.2 s, so only the sender of texts does.
"""

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from requests import RequestException
from requests.exceptions import ConnectTimeout
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from chalicelib.adapters.secrets import Parameter, TwilioAccount
from chalicelib.errors import Upstream
from chalicelib.notifications.carrier import (
    Answer,
    NotProcessed,
    Outgoing,
    Refused,
    Sighting,
    Taken,
    Unanswered,
)

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 6.0
LONGEST_CALL: Final = CONNECT_SECONDS + READ_SECONDS
# AWS's NAT forgets what is idle for 350 s, balancers mostly after 60, and a function that is frozen does not
# hear of it: a text given to a connection that is gone is a doubt, though nobody has read it.
KEPT_SECONDS: Final = 30.0
_LISTED: Final = 50
_UNKNOWN_TOKEN, _UNKNOWN_TOKEN_CODE = 401, "20003"
_NOT_FOUND, _RETRY_LATER = 404, 429
_SID = re.compile(r"[SM]M[0-9a-f]{32}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,4}", re.ASCII)
_SERVICE = "MG"


class _Http(TwilioHttpClient):
    """Twilio's HTTP, bounded in time, leading elsewhere in a sandbox; remembers when to come back.

    For one call at a time: Twilio's own part keeps each answer in itself before it returns it, so that of two
    calls at once one may be given the other's.

    Parameters
    ----------
    base_url
        Where requests go that are meant for Twilio; None: there.
    seconds
        To connect in, and for each read.
    """

    def __init__(self, base_url: str | None, seconds: tuple[float, float]) -> None:
        super().__init__()
        self._base = urlsplit(base_url) if base_url else None
        self.timeout = seconds
        self.retry_after: int | None = None  # seconds

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send one request; refuses anything that was not meant for Twilio."""
        meant = urlsplit(url)
        if not (meant.hostname or "").endswith(".twilio.com"):
            raise ValueError("only requests for twilio.com are sent")
        if self._base is not None:
            url = urlunsplit(meant._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        self.retry_after = None
        answer = super().request(method, url, *args, **kwargs)
        asked = answer.headers.get("Retry-After", "")
        self.retry_after = int(asked) if _SECONDS.fullmatch(asked) else None
        return answer

    def close(self) -> None:
        """Close its connections."""
        if self.session is not None:
            self.session.close()


class TwilioSender:
    """See `notifications.carrier.TextSender`.

    Parameters
    ----------
    account
        Whom Twilio knows us as.
    api_url
        Where requests go instead of Twilio; None in every stage that texts people.
    seconds
        How long Twilio may take to be connected to, and to answer.
    clock
        Seconds; the system's, because a monotonic one may stand still while a function is frozen.
    """

    def __init__(
        self,
        account: Parameter[TwilioAccount],
        *,
        api_url: str | None,
        seconds: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        clock: Callable[[], float] = time.time,
    ) -> None:
        logging.getLogger("twilio.http_client").setLevel(logging.WARNING)  # INFO would log numbers
        self._account, self._api_url, self._seconds = account, api_url, seconds
        self._clock = clock
        self._idle = deque[tuple[_Http, float]]()  # with their connections and when each was last used

    def send(self, text: Outgoing) -> Answer:
        """Give one text to Twilio, once for each token until one is known there."""
        try:
            self._account.current()
        except Upstream:  # our own secrets cannot be read
            return NotProcessed(reached=False)
        for account_sid, token, own_sender in self._candidates():
            with self._http() as http:
                answer = self._create(http, Client(account_sid, token, http_client=http), text, own_sender)
            if answer != Refused(code=_UNKNOWN_TOKEN_CODE):
                return answer
        return Refused(code=_UNKNOWN_TOKEN_CODE)

    def sent_to(self, to: str) -> Sequence[Sighting]:
        """What was last sent to a number, latest first.

        Not filtered by date: a text that waits in Twilio's queue has no date of sending yet.

        Raises
        ------
        Upstream
            Twilio does not say.
        """
        found = self._asked(lambda client: client.messages.list(to=to, limit=_LISTED, page_size=_LISTED))
        return [_sighting(each) for each in found or ()]

    def sighting(self, sid: str) -> Sighting | None:
        """What became of a text; None if Twilio has no such.

        Raises
        ------
        Upstream
            Twilio does not say.
        """
        found = self._asked(lambda client: client.messages(sid).fetch())
        return None if found is None else _sighting(found)

    def forget(self, sid: str) -> None:
        """Have a text deleted, ours or a buyer's; one that is gone is forgotten.

        Raises
        ------
        Upstream
            Twilio did not, or not yet: a text on its way is not deleted.
        """
        self._asked(lambda client: client.messages(sid).delete())

    @contextmanager
    def _http(self) -> Iterator[_Http]:
        """HTTP that nobody else uses meanwhile."""
        http = self._kept() or _Http(self._api_url, self._seconds)
        try:
            yield http
        finally:
            self._idle.append((http, self._clock()))

    def _kept(self) -> _Http | None:
        """HTTP whose connection was in use a moment ago; what is older is closed."""
        while self._idle:
            try:
                http, used_at = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if 0 <= self._clock() - used_at <= KEPT_SECONDS:
                return http
            http.close()
        return None

    def _create(self, http: _Http, client: Client, text: Outgoing, own_sender: str) -> Answer:
        sender = text.sender or own_sender
        origin = "messaging_service_sid" if sender.startswith(_SERVICE) else "from_"
        try:
            sent = client.messages.create(
                to=text.to,
                body=text.body,
                status_callback=text.callback_url,
                validity_period=text.valid_for,
                **{origin: sender},
            )
        except TwilioRestException as error:
            return _refusal(error, http.retry_after)
        except RequestException as error:
            return NotProcessed(reached=False) if _was_never_sent(error) else Unanswered()
        except (TwilioException, ValueError, TypeError, AttributeError):
            return Unanswered()  # its client takes any answer for one of Twilio's
        if not isinstance(sent.sid, str) or not _SID.fullmatch(sent.sid):
            return Unanswered()
        return Taken(sid=sent.sid, word=str(sent.status))

    def _asked[T](self, ask: Callable[[Client], T]) -> T | None:
        for account_sid, token, _ in self._candidates():
            try:
                with self._http() as http:
                    return ask(Client(account_sid, token, http_client=http))
            except TwilioRestException as error:
                if error.status == _NOT_FOUND:
                    return None
                if error.status != _UNKNOWN_TOKEN:
                    raise Upstream("Twilio does not say.") from None
            except (RequestException, TwilioException, ValueError, TypeError, AttributeError):
                raise Upstream("Twilio does not say.") from None
        raise Upstream("Twilio knows none of our tokens.")

    def _candidates(self) -> Iterator[tuple[str, str, str]]:
        known = self._account.current()
        for token in known.auth_tokens:
            yield known.account_sid, token, known.sender
        renewed = self._account.renewed()
        for token in renewed.auth_tokens:
            if (renewed.account_sid, token) not in {(known.account_sid, old) for old in known.auth_tokens}:
                yield renewed.account_sid, token, renewed.sender


def _refusal(error: TwilioRestException, retry_after: int | None) -> Answer:
    if error.status == _UNKNOWN_TOKEN:
        return Refused(code=_UNKNOWN_TOKEN_CODE)
    if error.status == _RETRY_LATER:
        return NotProcessed(after=retry_after)
    if not 400 <= error.status < 500:
        return Unanswered()
    return Refused(code=str(error.code or error.status))


def _was_never_sent(error: RequestException) -> bool:
    """Whether there was no connection to send it over: refused, or no such name."""
    if isinstance(error, ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError)


def _sighting(found: Any) -> Sighting:
    """A text as Twilio lists it; `Upstream` if that is not how Twilio lists texts."""
    try:
        return Sighting(
            sid=str(found.sid),
            body=str(found.body),
            word=str(found.status),
            code=str(found.error_code) if found.error_code else None,
            created_at=int(found.date_created.timestamp()),
        )
    except AttributeError:
        raise Upstream("The list is not one of Twilio's.") from None


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


def sandbox_reply(api_url: str, *, phone: str, to: str, body: str) -> str:
    """Have the sandbox's fake Twilio play a buyer who writes to us; gives the text's id.

    Raises
    ------
    Upstream
        It does not answer.
    """
    try:
        told = {"From": phone, "To": to, "Body": body}
        answer = requests.post(f"{api_url}/_reply", data=told, timeout=2)
        return str(answer.json()["sid"])
    except RequestException:
        raise Upstream("The fake Twilio does not answer.") from None
