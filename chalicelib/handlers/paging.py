"""Lists come in pages; a cursor says where the next one begins.

A cursor is sealed for one tenant, one list and one set of filters, so it neither shows nor accepts a position
in anything else. Weak point: what is inserted before a position while somebody turns pages is not seen by
them.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from chalicelib.errors import BadToken
from chalicelib.handlers.endpoints import Call
from chalicelib.handlers.wire import Query, View

PAGE = 20
LONGEST_PAGE = 100


class PageQuery(Query):
    """Query of a list; add the list's filters in a subclass."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE, description="How many at most.")] = PAGE
    cursor: Annotated[str | None, Field(max_length=4096, description="`next_cursor` of the page before.")] = (
        None
    )


class Listed[T](View):
    """A page: `data`, and the cursor of the next page unless this is the last."""

    data: Sequence[T]
    next_cursor: str | None = None


def position[Q: PageQuery](call: Call[Any, Q]) -> str | None:
    """Read where the wanted page begins, as it was given to `next_cursor`; `None` for the first.

    Raises
    ------
    BadToken
        `cursor_invalid` if the cursor was edited, or given for another merchant, list or filter.
    """
    if call.query.cursor is None:
        return None
    try:
        return bytes.decode(call.services.sealer.unseal(_purpose(call), call.query.cursor))
    except BadToken:
        raise BadToken("The cursor is not one of this list.", code="cursor_invalid") from None


def next_cursor[Q: PageQuery](call: Call[Any, Q], position: str | None) -> str | None:
    """Seal where the next page begins; `None` if there is none."""
    return None if position is None else call.services.sealer.seal(_purpose(call), position.encode())


def next_link[Q: PageQuery](call: Call[Any, Q], cursor: str | None) -> dict[str, str]:
    """Make the Link header (RFC 8288) of a page that has no room for a `next_cursor`: one in CSV."""
    if cursor is None:
        return {}
    asked = call.query.model_dump(mode="json", exclude_none=True, exclude={"cursor"})
    _, _, path = call.place.partition(" ")
    return {"Link": f'<{path}?{urlencode({**asked, "cursor": cursor})}>; rel="next"'}


def _purpose(call: Call[Any, Any]) -> str:
    # Only what was asked for: a cursor outlives a deployment that brings one more filter.
    filters = call.query.model_dump_json(exclude={"limit", "cursor"}, exclude_defaults=True)
    return f"cursor/{call.tenant}/{call.place}?{filters}"
