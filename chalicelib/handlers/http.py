"""What our HTTP says: answers, and one table of everything that can be wrong.

`PROBLEMS` is the only place that knows status codes. An exception whose own code is missing here gets the
status of its class, so a new case in a service is never a 500; a test asks for its entry all the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chalicelib.errors import Expired, InvalidRequest, RateLimited, SlotkeeperError
from chalicelib.handlers.telemetry import Metric
from chalicelib.units import iso_utc

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
_RETRY_SOON = 1  # seconds: what hindered us then is contention or a short outage


@dataclass(frozen=True, slots=True)
class Text:
    """A body that is not JSON: a page, or CSV."""

    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers.

    Attributes
    ----------
    zone
        IANA name of the depot's zone, in which `wire.Instant` fields of the body are written; UTC otherwise.
    counts
        What it adds to the metrics, unless it is the repetition of an earlier answer.
    about
        Ids of ours that its log line names.
    """

    status: int
    body: BaseModel | Text | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    counts: Mapping[Metric, int] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    def rendered(self) -> "Rendered":
        """Write the body."""
        match self.body:
            case None:
                text, media_type = "", None
            case Text(media_type, text):
                pass
            case model:
                text = model.model_dump_json(context={"zone": self.zone} if self.zone else None)
                media_type = JSON
        return Rendered(self.status, text, media_type, self.headers, counts=self.counts, about=self.about)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer in the form in which it is sent; `code` is set for problems."""

    status: int
    text: str
    media_type: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    counts: Mapping[Metric, int] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """One case of the catalogue.

    Attributes
    ----------
    title
        The same for every occurrence (RFC 9457).
    meaning
        What has happened and what to do about it, for the person who reads `/docs`.
    """

    status: int
    title: str
    meaning: str


PROBLEMS: Mapping[str, Problem] = {
    # --- the request itself
    "malformed_json": Problem(
        400,
        "The body is not JSON",
        "A body is one JSON text in UTF-8: no byte order mark, no NaN or Infinity, each key once per object, "
        "at most 32 levels deep, integers of at most 19 characters, no NUL, no half surrogate pairs.",
    ),
    "body_too_large": Problem(413, "The body is too large", "A body may have 65,536 bytes."),
    "unsupported_media_type": Problem(
        415,
        "The body is of another type",
        "Send `Content-Type: application/json` (charset utf-8, if any) and no Content-Encoding.",
    ),
    "invalid_request": Problem(
        422,
        "The request is not valid",
        "`errors` names fields by JSON pointer (`?name` in the query, `{name}` in the path) and faults. "
        "Unknown fields and parameters are refused too: a typing error is not silently ignored.",
    ),
    "method_not_allowed": Problem(
        405, "This endpoint has no such method", "The Allow header lists the methods there are."
    ),
    "idempotency_key_missing": Problem(
        400,
        "Idempotency-Key is missing",
        "This must not happen twice. Send an Idempotency-Key of your own choice, unique to the request, and "
        "repeat the request with the same key until it is answered.",
    ),
    "idempotency_key_invalid": Problem(
        400, "Idempotency-Key is not valid", "It is 1 to 255 visible ASCII characters, without spaces."
    ),
    "idempotency_mismatch": Problem(
        422,
        "Idempotency-Key was used for another request",
        "The first request with this key had another body or path. Take a new key for a new request.",
    ),
    "answer_forgotten": Problem(
        409,
        "The answer was forgotten",
        "This very request was carried out. What it answered was erased with the buyer it was about.",
    ),
    "cursor_invalid": Problem(
        400,
        "The cursor is not valid",
        "A cursor works with the list, the filters and the merchant it was given for, unedited, for a week.",
    ),
    "token_invalid": Problem(
        400, "The token is not valid", "It was not issued by us for this use, or it was edited."
    ),
    # --- who asks
    "unauthorized": Problem(
        401,
        "No valid API key",
        "Send `Authorization: Bearer slk_…`. A misspelt, unknown, expired or revoked key gets this answer, "
        "always the same. Never put a key into a URL.",
    ),
    "forbidden": Problem(
        403,
        "This key may not do that",
        "The endpoint needs a scope that this key does not carry, or a secret key and not a publishable one.",
    ),
    "signature_invalid": Problem(
        403,
        "This is not signed by Twilio",
        "The form must be signed with the account's auth token, for this very address.",
    ),
    "rate_limited": Problem(
        429,
        "Too many requests",
        "The key's quota for this window is used up (`RateLimit-Policy` states it), or too many holds were "
        "placed with publishable keys this hour. Wait for `Retry-After`.",
    ),
    # --- the thing asked for
    "not_found": Problem(
        404, "There is no such thing", "It does not exist, or it is another merchant's: we do not say which."
    ),
    "conflict": Problem(409, "The state does not allow this", "`detail` says why."),
    "not_delivered": Problem(409, "Nobody came yet", "There is nothing to score before an attempt."),
    "illegal_transition": Problem(409, "The state does not allow this", "`state` is the state it is in."),
    "key_in_use": Problem(
        409, "A key cannot revoke itself", "Use another admin key, so that one is left that can make keys."
    ),
    "too_many_keys": Problem(
        409, "There are too many live keys", "50 may be live at once. Revoke one that is not used."
    ),
    "too_many_webhooks": Problem(
        409, "There are too many webhooks", "A merchant has 10 at most. Delete one that is not used."
    ),
    "too_many_secrets": Problem(
        409,
        "There are too many valid secrets",
        "The secret was rotated 4 times within a day: those before are still valid. Wait until one is not.",
    ),
    "webhook_stopped": Problem(
        409,
        "The webhook is stopped",
        "`stopped` of the webhook says why. PUT it with `enabled: true`, then try again.",
    ),
    "slot_taken": Problem(
        409,
        "The slot was taken",
        "Somebody else got the last place, or it no longer fits a route. `alternatives` are fresh offers.",
    ),
    "offer_invalid": Problem(
        400,
        "The offer is not valid",
        "It was not issued for this merchant and cart, or it was edited. Search again.",
    ),
    "offer_expired": Problem(410, "The offer has expired", "Offers are good for 30 minutes. Search again."),
    "hold_expired": Problem(410, "The hold has expired", "Its place went back on sale at `expired_at`."),
    "expired": Problem(410, "It has expired", "It was good until `expired_at`."),
    "hold_exists": Problem(
        409,
        "The cart has a live hold",
        "Name it in `replaces`, with its `hold_token`, to swap; or confirm or release it.",
    ),
    "order_already_promised": Problem(
        409,
        "This order has a promise",
        "An open promise has the same `order_ref` and `shipment_ref`: change that one, `promise_id`.",
    ),
    "promises_open": Problem(
        409,
        "The buyer has open promises",
        "What is still to be delivered needs its buyer: cancel `promise_ids`, or come back when they are "
        "finished. Nothing was forgotten.",
    ),
    "already_loaded": Problem(
        409,
        "The van is loaded",
        "From its `loads_at` on a shift takes no new parcel and gives none away; `shift_id` says which.",
    ),
    "does_not_fit": Problem(
        409,
        "The promise does not fit this shift",
        "`reason` is `skill`, `load`, `other_depot`, or `no_route_fit`: it would not be kept there, or "
        "another promise would be endangered. Nothing was changed.",
    ),
    "nothing_to_correct": Problem(
        409, "There is nothing to correct", "Nobody has tried to deliver this promise yet."
    ),
    "correction_too_late": Problem(
        409,
        "It is too late to correct this",
        "A driver may correct an outcome for ten minutes, the office (scope `ops`) for seven days.",
    ),
    "bad_area": Problem(422, "The service area cannot be used", "`errors` says where and why."),
    "depot_in_use": Problem(
        409, "The depot is in use", "This cannot change while the depot has shifts; withdraw them first."
    ),
    "shift_in_use": Problem(
        409, "The shift's id is in use", "A shift of another depot or date has it; take another id."
    ),
    "shift_overlap": Problem(
        422, "Shifts of one vehicle overlap", "A vehicle works one shift at a time. See `detail`."
    ),
    "off_road": Problem(422, "The place is off the road", "It is too far from any road a van can use."),
    "clock_moved_back": Problem(
        409, "The clock only moves forward", "The test clock stands later already; nothing was changed."
    ),
    # --- us
    "stale_write": Problem(
        503, "Too much at once", "Others kept changing the same routes. Nothing was done; repeat it."
    ),
    "already_done": Problem(
        503,
        "This very request is being carried out",
        "A twin of it got there first; repeat it for its answer.",
    ),
    "upstream_unavailable": Problem(
        503,
        "Something we depend on does not answer",
        "Nothing was done. Repeat it with the same Idempotency-Key after `Retry-After` seconds.",
    ),
    "internal": Problem(500, "We made a mistake", "It is logged under `request_id`; tell us and we find it."),
}


def problem_for(error: SlotkeeperError) -> tuple[str, Problem]:
    """Find the catalogue's entry: of the error's own code, else of the nearest class that has one."""
    for code in (error.code, *(getattr(kind, "code", "") for kind in type(error).__mro__)):
        if code in PROBLEMS:
            return error.code, PROBLEMS[code]
    return error.code, PROBLEMS["internal"]


def problem(error: SlotkeeperError, request_id: str) -> Rendered:
    """Write an exception as RFC 9457 problem details."""
    code, case = problem_for(error)
    members: dict[str, Any] = dict(error.extra)
    if isinstance(error, Expired):
        members["expired_at"] = iso_utc(error.expired_at)
    fields = error.fields if isinstance(error, InvalidRequest) else ()
    members |= {
        "type": f"/docs#{code}",
        "title": case.title,
        "status": case.status,
        "detail": error.detail,
        "code": code,
        "errors": [{"pointer": wrong.pointer, "detail": wrong.detail} for wrong in fields],
        "request_id": request_id,
    }
    headers = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(max(1, error.retry_after))
    elif case.status == 503:
        headers["Retry-After"] = str(_RETRY_SOON)
    elif case.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Rendered(case.status, json.dumps(members), PROBLEM_JSON, headers, code)
