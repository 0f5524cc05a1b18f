"""What Twilio's own description says of the fields of a text: names, types, patterns, words.

    make twilio          fetches the description into build/ and writes `twilio_fields.json` beside this

The fake is held to it, and so is what we ask. Of the description no sentence is kept, only what a program can
check; it documents no error, so those are the fake's own. Weak point: it says which fields there are, not
which of them Twilio fills.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FIELDS: Final = Path(__file__).with_name("twilio_fields.json")
SOURCE: Final = {
    "source": "twilio-oai, spec/json/twilio_api_v2010.json, in @twilio-alpha/mcp 0.7.0 (npm, MIT)",
    "licence": "Apache 2.0, https://www.apache.org/licenses/LICENSE-2.0.html",
}
_MESSAGES: Final = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
_MESSAGE: Final = "api.v2010.account.message"
_CHECKED: Final = ("type", "pattern", "minLength", "maxLength", "minimum", "maximum", "enum")


def fields_of(description: Mapping[str, Any]) -> dict[str, Any]:
    """Take what is checked out of a description: of a request to send, of a text, of a list of texts."""
    paths, schemas = description["paths"], description["components"]["schemas"]
    asked = paths[_MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    listed = paths[_MESSAGES]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    page = {name: part for name, part in listed["properties"].items() if name != "messages"}
    return SOURCE | {
        "asked": dict(_fields(asked["properties"], schemas)),
        "text": dict(_fields(schemas[_MESSAGE]["properties"], schemas)),
        "page": dict(_fields(page, schemas)),
    }


def _fields(properties: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, part in sorted(properties.items()):
        told = schemas[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        checked = {word: told[word] for word in _CHECKED if word in told}
        if part.get("nullable") or told.get("nullable"):
            checked["type"] = [checked["type"], "null"]
        yield name, checked


if __name__ == "__main__":
    written = fields_of(json.loads(sys.stdin.read()))
    FIELDS.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
