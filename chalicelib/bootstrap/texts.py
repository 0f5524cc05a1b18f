"""What plugs texts together: from a fact to the carrier, and a buyer's answer on its way back.

Everything is imported and made when it is first asked for. What an answer changes is no part of it: that is
`Services.conversation`, which acts on promises.
"""

import random
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.bootstrap.essentials import QUEUE_TIMES, Essentials, aws_client

if TYPE_CHECKING:
    from chalicelib.adapters.addressees import PromiseAddressees
    from chalicelib.adapters.phone_book import PhoneBook
    from chalicelib.adapters.sqs import TextJobs
    from chalicelib.notifications.callbacks import Callbacks
    from chalicelib.notifications.carrier import TextSender
    from chalicelib.notifications.inbound import Inbox
    from chalicelib.notifications.progress import Progress
    from chalicelib.notifications.sending import Sending
    from chalicelib.notifications.service import Notifications


class Texts(Essentials):
    """What buyers are told, and what they write back."""

    @cached_property
    def text_jobs(self) -> "TextJobs":
        """The queue of texts."""
        from chalicelib.adapters.sqs import TextJobs

        client = aws_client("sqs", QUEUE_TIMES, self.settings)
        return TextJobs(client, texts_queue_url=self.settings.texts_queue_url)

    @cached_property
    def notifications(self) -> "Notifications":
        """What buyers are told of facts."""
        from chalicelib.notifications.service import Notifications

        return Notifications(self.store, self._addressees, self.text_jobs, self.store.reminders)

    @cached_property
    def _addressees(self) -> "PromiseAddressees":
        from chalicelib.adapters.addressees import PromiseAddressees

        return PromiseAddressees(self.store, self.planner, self.tracking_url, letters=lambda: self.phone_book)

    @cached_property
    def sending(self) -> "Sending":
        """Texts on their way to buyers."""
        from chalicelib.notifications.caps import TextCaps, TextLimiter
        from chalicelib.notifications.pace import Pace
        from chalicelib.notifications.policy import StillWanted
        from chalicelib.notifications.segments import length
        from chalicelib.notifications.sending import Ports, Sending

        settings = self.settings
        caps = TextCaps(
            number=settings.texts_per_number_day,
            prefix=settings.texts_per_prefix_day,
            country=settings.texts_per_country_day,
            merchant=settings.texts_per_merchant_day,
        )
        return Sending(
            Ports(
                store=self.store,
                addressees=self._addressees,
                sender=self._text_sender,
                policy=StillWanted(self.phone_book, self.store),
                pace=Pace(self.store.senders, segments_per_second=settings.segments_per_second),
                limiter=TextLimiter(self.store, caps=caps, hide=self.sealer.derive),
                phone_book=self.phone_book,
                progress=self.text_progress,
                callbacks=self.callbacks,
                seal=self.sealer,
                segments=lambda body: length(body).segments,
                jitter=random.random,
            )
        )

    @cached_property
    def text_progress(self) -> "Progress":
        """Where texts stand."""
        from chalicelib.notifications.progress import Progress

        return Progress(self.store, self.text_jobs, self.store.reminders, self.phone_book, self.sealer)

    @cached_property
    def _text_sender(self) -> "TextSender":
        from chalicelib.adapters.twilio import TwilioSender

        sender = TwilioSender(self.secrets.twilio, api_url=self.settings.twilio_api_url)
        if self.settings.tracing:
            from chalicelib.adapters.tracing import TracedSender

            return TracedSender(sender)
        return sender

    @cached_property
    def phone_book(self) -> "PhoneBook":
        """Who wants no texts, and who texted whom."""
        from chalicelib.adapters.phone_book import PhoneBook

        return PhoneBook(
            self.store.phones,
            self.secrets.numbers,
            self.sealer,
            own_sender=lambda: self.secrets.twilio.current().sender,
        )

    @cached_property
    def callbacks(self) -> "Callbacks":
        """Where Twilio tells what becomes of texts."""
        from chalicelib.notifications.callbacks import Callbacks

        return Callbacks(self.sealer, base_url=self.settings.public_base_url)

    @cached_property
    def text_inbox(self) -> "Inbox":
        """What buyers write back."""
        from chalicelib.notifications.inbound import Inbox

        return Inbox(self.phone_book, business_now=self.business_now)

    def inbox(self, phone: str | None) -> list[dict[str, Any]]:
        """Texts the sandbox's fake Twilio took, oldest first."""
        from chalicelib.adapters.twilio import sandbox_inbox

        return sandbox_inbox(self.settings.twilio_api_url or "", phone)

    def play_reply(self, *, phone: str, to: str, body: str) -> str:
        """Have the sandbox's fake Twilio bring a buyer's text; gives its id."""
        from chalicelib.adapters.twilio import sandbox_reply

        return sandbox_reply(self.settings.twilio_api_url or "", phone=phone, to=to, body=body)
