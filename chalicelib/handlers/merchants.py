"""Endpoints for a merchant's keys and settings."""

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from chalicelib.events import Mode, Tenant
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.paging import Listed
from chalicelib.handlers.wire import (
    Body,
    Instant,
    Label,
    Locale,
    Origin,
    SupportPhone,
    View,
    WallTime,
)
from chalicelib.merchants.model import (
    CHANGE_CUTOFF_MINUTES,
    SENDER_PATTERN,
    ApiKey,
    KeyType,
    Merchant,
    NewKey,
    QuietHours,
    Scope,
)
from chalicelib.notifications.linting import LONGEST_BRAND, Fault, lint_brand

api = Endpoints("Merchant")

_MOST_ORIGINS = 20
_MOST_COUNTRIES = 60  # every one of a continent's
_SETTLES = Scope.OPS | Scope.ADMIN
_OF_A_BRAND = {
    Fault.EMPTY: "A brand has letters or digits.",
    Fault.TOO_LONG: f"A brand has at most {LONGEST_BRAND} characters.",
    Fault.LINK_IN_NAME: "A brand holds no web address: a text that opens with one is taken for phishing.",
    Fault.CONTROL_CHARACTER: "A brand is one line of visible letters.",
    Fault.MARKETING: "A brand makes no offer: carriers filter texts that do.",
    Fault.PERSONAL: "A brand holds no phone number and no e-mail address.",
    Fault.RESERVED_WORD: "A brand is no word that carriers act on, such as STOP, and has none in capitals.",
    Fault.NOT_GSM: "A brand has letters of GSM-7 only (a, not ã): any other doubles what each text costs.",
}


class ScopeName(StrEnum):
    """What a key may do."""

    CHECKOUT = "checkout"
    OPS = "ops"
    DRIVER = "driver"
    ADMIN = "admin"


class KeyRequest(Body):
    """A key to be made. It lives in the same world, test or live, as the key that asks for it."""

    type: Annotated[
        Literal["secret", "publishable"],
        Field(description="`publishable` keys are for web pages: search and holds only."),
    ]
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=len(ScopeName))]
    origins: Annotated[
        list[Origin] | None,
        Field(
            max_length=_MOST_ORIGINS, description="Publishable keys only; the settings' origins unless given."
        ),
    ] = None
    expires_at: Annotated[Instant | None, Field(description="Never, unless given.")] = None


class KeyView(View):
    """A key, without its text."""

    key_id: str
    type: KeyType
    mode: Mode
    scopes: list[ScopeName]
    origins: tuple[str, ...]
    last4: Annotated[str, Field(description="The last characters of the key's text.")]
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_on: Annotated[date | None, Field(description="The last day, in UTC, on which it was used.")]

    @staticmethod
    def of(key: ApiKey) -> "KeyView":
        """Show a key."""
        return KeyView(
            key_id=key.key_id,
            type=key.type,
            mode=key.tenant.mode,
            scopes=[ScopeName(name) for name in key.scopes.names],
            origins=key.origins,
            last4=key.last4,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_on=key.last_used_on,
        )


class NewKeyView(KeyView):
    """A key just made, with its text."""

    key: Annotated[str, Field(description="The key itself. It is shown this once; only its hash is kept.")]

    @staticmethod
    def with_text(new: NewKey) -> "NewKeyView":
        """Show a key that was just made."""
        return NewKeyView(**dict(KeyView.of(new.key)), key=new.text)


class KeyList(Listed[KeyView]):
    """All keys of the merchant."""


class QuietHoursBody(Body):
    """Between these local times nobody is texted; they may span midnight."""

    starts: WallTime
    ends: WallTime

    @staticmethod
    def of(quiet: QuietHours) -> "QuietHoursBody":
        """Show quiet hours."""
        return QuietHoursBody(starts=time.fromisoformat(quiet.starts), ends=time.fromisoformat(quiet.ends))


def _check_brand(brand: str, about: ValidationInfo) -> str:
    """Refuse what no text may open with; what was saved before that was looked at is shown as it is."""
    faults = lint_brand(brand) if about.mode == "json" else ()
    if faults:
        raise PydanticCustomError("brand", " ".join(_OF_A_BRAND[fault] for fault in faults))
    return brand


def _check_country(code: str) -> str:
    import phonenumbers  # here, too, only where something has to be judged

    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise PydanticCustomError("country", "Input should be the ISO 3166-1 code of a country, such as PT")
    return code


Country = Annotated[
    str, StringConstraints(pattern="^[A-Z]{2}$"), AfterValidator(_check_country), Field(examples=["PT"])
]
"""A country that has phone numbers."""


class Settings(Body):
    """Everything a merchant settles. What is left out goes back to its default."""

    brand: Annotated[
        Label,
        AfterValidator(_check_brand),
        Field(
            max_length=LONGEST_BRAND,
            description="Opens every text to a buyer: letters of GSM-7, no link, no offer, no STOP.",
        ),
    ]
    support_phone: Annotated[SupportPhone | None, Field(description="Where buyers may call.")] = None
    origins: Annotated[
        tuple[Origin, ...],
        Field(max_length=_MOST_ORIGINS, description="Web origins that a new publishable key lists."),
    ] = ()
    locales: Annotated[
        tuple[Locale, ...],
        Field(min_length=1, max_length=10, description="Languages; the first is the default."),
    ] = ("en",)
    sender: Annotated[
        Annotated[str, StringConstraints(pattern=SENDER_PATTERN)] | None,
        Field(
            description="Number, short code or messaging service that texts come from: one that the operator "
            "assigned to you. `null`: the operator's own."
        ),
    ] = None
    sms_countries: Annotated[
        tuple[Country, ...] | None,
        Field(
            min_length=1,
            max_length=_MOST_COUNTRIES,
            description="Countries whose numbers are texted (ISO 3166-1); a text to any other is recorded as "
            "`country_not_served`. `null`: the country of the depot that delivers, by its time zone.",
        ),
    ] = None
    quiet_hours: Annotated[QuietHoursBody | None, Field(description="`null`: texts go out at any hour.")] = (
        QuietHoursBody(starts=time(21), ends=time(8))
    )
    change_cutoff_minutes: Annotated[
        int,
        Field(
            ge=0,
            le=1440,
            description="How long before its van comes a loaded delivery may still be moved or cancelled.",
        ),
    ] = CHANGE_CUTOFF_MINUTES
    texting: Annotated[bool, Field(description="Whether buyers are texted at all.")] = True

    def merchant(self, tenant: Tenant) -> Merchant:
        """Read the settings as the domain has them."""
        quiet = self.quiet_hours
        return Merchant(
            tenant=tenant,
            brand=self.brand,
            support_phone=self.support_phone,
            origins=self.origins,
            locales=self.locales,
            sender=self.sender,
            sms_countries=self.sms_countries,
            quiet_hours=QuietHours(starts=f"{quiet.starts:%H:%M}", ends=f"{quiet.ends:%H:%M}")
            if quiet
            else None,
            change_cutoff_minutes=self.change_cutoff_minutes,
            texting=self.texting,
        )

    @staticmethod
    def of(merchant: Merchant) -> "Settings":
        """Show a merchant's settings."""
        quiet = merchant.quiet_hours
        return Settings(
            brand=merchant.brand,
            support_phone=merchant.support_phone,
            origins=merchant.origins,
            locales=merchant.locales,
            sender=merchant.texts_from,
            sms_countries=merchant.sms_countries,
            quiet_hours=QuietHoursBody.of(quiet) if quiet else None,
            change_cutoff_minutes=merchant.change_cutoff_minutes,
            texting=merchant.texting,
        )


@api.endpoint(
    "POST",
    "/v1/keys",
    scope=Scope.ADMIN,
    request=KeyRequest,
    answers={201: NewKeyView},
    problems=("too_many_keys",),
)
def create_key(call: Call[KeyRequest]) -> Answer:
    """Make an API key.

    Keep `key` from the answer: it is shown this once. To rotate a key, make a new one, put it into use, then
    revoke the old one when its `last_used_on` is past; 50 keys may be live at once.
    """

    def answer(new: NewKey) -> Answer:
        return Answer(201, NewKeyView.with_text(new))

    new = call.services.merchants.create_key(
        call.tenant,
        type=KeyType(call.body.type),
        scopes=Scope.of(call.body.scopes),
        origins=call.body.origins,
        expires_at=call.body.expires_at,
        now=call.system_now,
        receipt=call.receipt(answer),
    )
    return answer(new)


@api.endpoint("GET", "/v1/keys", scope=Scope.ADMIN, answers={200: KeyList})
def list_keys(call: Call) -> Answer:
    """List the API keys, oldest first, revoked ones included."""
    return Answer(
        200, KeyList(data=[KeyView.of(key) for key in call.services.merchants.list_keys(call.tenant)])
    )


@api.endpoint("DELETE", "/v1/keys/{key_id}", scope=Scope.ADMIN, answers={204: None}, problems=("key_in_use",))
def revoke_key(call: Call) -> Answer:
    """Revoke an API key, for good.

    It stops at once. A key cannot revoke itself, so that one is always left that can make another.
    """
    call.services.merchants.revoke_key(call.tenant, call.path["key_id"], by=call.key, now=call.system_now)
    return Answer(204)


@api.endpoint("GET", "/v1/settings", scope=_SETTLES, answers={200: Settings})
def get_settings(call: Call) -> Answer:
    """Read the merchant's settings."""
    return Answer(200, Settings.of(call.services.merchants.settings(call.tenant)))


@api.endpoint("PUT", "/v1/settings", scope=_SETTLES, request=Settings, answers={200: Settings})
def put_settings(call: Call[Settings]) -> Answer:
    """Replace the merchant's settings.

    They hold for whatever is sent from now on, also for texts that wait: `texting: false` stops those, too.
    """
    saved = call.services.merchants.save_settings(call.body.merchant(call.tenant))
    return Answer(200, Settings.of(saved))
