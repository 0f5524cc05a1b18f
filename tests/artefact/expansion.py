"""The template of a stage as `make package` writes it, and what SAM's transform makes of it."""

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from infra.artefact.build import package
from infra.artefact.template import Template, read_template, write_template

type Resources = dict[str, Any]


class _NoManagedPolicies:
    """What the SAM expansion looks names of AWS' own policies up in; we name none."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def template_of(stage: str) -> Template:
    """What is written for a stage and read again; shared, so not to be changed."""
    with tempfile.TemporaryDirectory(prefix="slotkeeper-") as place:
        path = Path(place) / "template.yaml"
        write_template(package(Path(place), stage=stage)[1], path)
        return read_template(path)


def expanded(template: Template, **parameters: Any) -> Resources:
    """Resources of a template after `aws cloudformation package` uploaded the zips and SAM was expanded."""
    uploaded = copy.deepcopy(template)
    for function in functions(uploaded["Resources"]).values():
        function["Properties"]["CodeUri"] = f"s3://bucket/{function['Properties']['CodeUri']}"
    given = {name: one.get("Default", "any") for name, one in template["Parameters"].items()} | parameters
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        found: Resources = transform(uploaded, given, _NoManagedPolicies())["Resources"]
    return found


def functions(resources: Resources) -> Resources:
    """The functions of a template before its expansion."""
    return of_type(resources, "AWS::Serverless::Function")


def of_type(resources: Resources, kind: str) -> Resources:
    """The resources of one type, by logical id."""
    return {name: one for name, one in resources.items() if one["Type"] == kind}


def references(value: Any) -> set[str]:
    """Every logical id, parameter and pseudo parameter that a piece of a template refers to."""
    match value:
        case {"Ref": str() as name}:
            return {name}
        case {"Fn::GetAtt": [str() as name, *_]}:
            return {name}
        case {"Fn::Sub": str() as text}:
            return _substituted(text)
        case {"Fn::Sub": [str() as text, dict() as given]}:
            return (_substituted(text) - given.keys()) | references(given)
        case dict():
            return {name for inner in value.values() for name in references(inner)}
        case list():
            return {name for inner in value for name in references(inner)}
        case _:
            return set()


def _substituted(text: str) -> set[str]:
    return {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
