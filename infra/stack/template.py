"""What the emulator gets instead of the template that was built, and how the two differ.

Everything that is changed is found by comparing the two, so a change cannot be made and not be told. The SAM
parts are expanded here, because the emulator's environment lacks the translator. Weak point: CloudFormation
itself uses a newer translator, whenever it likes.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from boto3 import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from infra.artefact.template import Template

SERVERLESS_FUNCTION: Final = "AWS::Serverless::Function"
ROLE: Final = "AWS::IAM::Role"
# AWS asks for one permission for both; the emulator for each call by its own name.
SEND, SEND_BATCH = "sqs:SendMessage", "sqs:SendMessageBatch"
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something the emulator cannot make.

    Parameters
    ----------
    having
        Property that makes it impossible; None: no resource of this type is possible.
    why
        What is missing there, and why the product runs without it.
    """

    type: str
    having: str | None = None
    why: str

    def __contains__(self, resource: Mapping[str, Any]) -> bool:
        same = resource["Type"] == self.type
        return same and (self.having is None or self.having in resource["Properties"])


GAPS: Final = (
    Gap(
        type="AWS::CloudWatch::Alarm",
        having="Metrics",
        why="knows no sums of metrics; only a person waits for it",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where the deployed template is not what was built; None where there is nothing.

    Parameters
    ----------
    path
        Keys from the root of the template, with dots between them.
    """

    path: str
    built: object
    deployed: object

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.built)} -> {_shown(self.deployed)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A resource that is in the template and not in the emulator."""

    name: str
    type: str
    why: str


def adapted(
    built: Template, *, bucket: str, variables: Mapping[str, str]
) -> tuple[Template, Sequence[Dropped]]:
    """Return the template the emulator can deploy, and what it cannot.

    Parameters
    ----------
    bucket
        Where the zips were uploaded to, under their names.
    variables
        Of the environment of every function, beyond or instead of what was built.
    """
    dropped = [
        Dropped(name=name, type=resource["Type"], why=gap.why)
        for name, resource in built["Resources"].items()
        for gap in GAPS
        if resource in gap
    ]
    deployed = copy.deepcopy(without(built, dropped))
    for function in functions(deployed).values():
        function["CodeUri"] = f"s3://{bucket}/{function['CodeUri']}"
        own = function.setdefault("Environment", {}).setdefault("Variables", {})
        own |= variables
    for actions in _allowed(deployed):
        if SEND in actions:
            actions.append(SEND_BATCH)
    return deployed, dropped


def without(template: Template, dropped: Sequence[Dropped]) -> Template:
    """Return a template without some of its resources."""
    gone = {one.name for one in dropped}
    kept = {name: resource for name, resource in template["Resources"].items() if name not in gone}
    return template | {"Resources": kept}


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """Return the properties of every function by its logical name."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == SERVERLESS_FUNCTION
    }


def _allowed(template: Template) -> Iterator[list[str]]:
    """The actions of every statement of every role."""
    for resource in template["Resources"].values():
        if resource["Type"] == ROLE:
            for policy in resource["Properties"].get("Policies", ()):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield statement["Action"]


def differences(built: object, deployed: object, path: str = "") -> Iterator[Difference]:
    """Compare two templates, down to the smallest part that differs."""
    if isinstance(built, dict) and isinstance(deployed, dict):
        for key in sorted({*built, *deployed}):
            inner = f"{path}.{key}" if path else key
            yield from differences(built.get(key, _ABSENT), deployed.get(key, _ABSENT), inner)
    elif built != deployed:
        yield Difference(path=path, built=_seen(built), deployed=_seen(deployed))


def expanded(template: Template, *, region: str) -> Template:
    """Return what CloudFormation makes of the SAM parts of a template."""
    translator = Translator(
        managed_policy_map={}, sam_parser=Parser(), boto_session=Session(region_name=region)
    )
    translated = translator.translate(copy.deepcopy(template), parameter_values={})
    plain: Template = json.loads(json.dumps(translated))  # the translator leaves classes of its own behind
    return plain


def _seen(value: object) -> object:
    return None if value is _ABSENT else value


def _shown(value: object) -> str:
    return "nothing" if value is None else json.dumps(value)
