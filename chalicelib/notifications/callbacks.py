"""Where the carrier tells what becomes of a text, and how we know again which text that is.

The address carries whose text it is and which, sealed: it says nothing to the carrier, needs no row, and may
come before we have heard the carrier's own id. Weak point: a sealing key is dropped a week after its last
use, and a callback that is later is not understood.
"""

from typing import Final

from chalicelib.errors import BadToken
from chalicelib.events import Tenant
from chalicelib.notifications.model import Message
from chalicelib.notifications.ports import Seal

STATUS_PATH: Final = "/twilio/status"
INBOUND_PATH: Final = "/twilio/inbound"
_PURPOSE: Final = "text-callback"


class Callbacks:
    """Writes and reads those addresses.

    Parameters
    ----------
    base_url
        Under which the carrier reaches us, without a slash at the end.
    """

    def __init__(self, seal: Seal, *, base_url: str) -> None:
        self._seal, self._base_url = seal, base_url

    def url_of(self, tenant: Tenant, message: Message) -> str:
        """The address for one text; a second try has one of its own."""
        return self.status_url(
            self._seal.seal(_PURPOSE, f"{tenant}\n{message.message_id}".encode()), message.resent
        )

    def status_url(self, token: str, resent: bool) -> str:
        """The address that a callback came to, as it was signed: the order of its parts counts."""
        return f"{self._base_url}{STATUS_PATH}?o={token}{'&resend=1' if resent else ''}"

    @property
    def inbound_url(self) -> str:
        """Where buyers' own texts come to."""
        return f"{self._base_url}{INBOUND_PATH}"

    def read(self, token: str) -> tuple[Tenant, str] | None:
        """Whose text it is about, and which; None if we never said that."""
        try:
            tenant, _, message_id = self._seal.unseal(_PURPOSE, token).decode().partition("\n")
        except BadToken:
            return None
        return Tenant.parse(tenant), message_id
