"""What Chalice's template lacks and merging cannot give it.

Chalice lets API Gateway call a function's newest code, whatever it is. Then neither a snapshot nor warm
processes are ever used, for both belong to a published version, and there is nothing to roll back to. Here
every integration and the permission to call are pointed at the alias. Weak point: this knows how Chalice
spells an integration and how SAM names an alias; where the first changes, it refuses to build.
"""

from pathlib import Path
from typing import Any, Final

from chalice.package import YAMLTemplateSerializer

type Template = dict[str, Any]

API: Final = "APIHandler"  # Chalice's name of the function behind the API
_NEWEST: Final = f"${{{API}.Arn}}"


_API_LOG: Final = "ApiHandlerLogGroup"
_ACCESS_LOG: Final = "AccessLogGroup"


class UnknownTemplate(Exception):
    """Chalice writes its template in another way than this was made for; the message says where."""


def finished(template: Template) -> Template:
    """Return a template with all that is missing.

    Raises
    ------
    UnknownTemplate
        As `point_at_alias` does.
    """
    pointed = point_at_alias(template)
    resources = pointed["Resources"]
    # Chalice says how long logs are kept for those it makes itself.
    days = resources[_API_LOG]["Properties"]["RetentionInDays"]
    kept = {_ACCESS_LOG: _with(resources[_ACCESS_LOG], RetentionInDays=days)}
    return pointed | {"Resources": resources | kept}


def point_at_alias(template: Template) -> Template:
    """Return a template whose API calls the alias of its function instead of its newest code.

    Raises
    ------
    UnknownTemplate
        An integration calls something else, or the permission is for something else.
    """
    resources = template["Resources"]
    alias = alias_of(template, API)
    api, permission = resources["RestAPI"], resources[f"{API}InvokePermission"]
    if permission["Properties"]["FunctionName"] != {"Ref": API}:
        raise UnknownTemplate(f"{API}InvokePermission is not for {API}")
    body = api["Properties"]["DefinitionBody"]
    paths = {
        path: {method: _calling(alias, f"{method} {path}", one) for method, one in methods.items()}
        for path, methods in body["paths"].items()
    }
    pointed = {
        "RestAPI": _with(api, DefinitionBody=body | {"paths": paths}),
        f"{API}InvokePermission": _with(permission, FunctionName={"Ref": alias}),
    }
    return template | {"Resources": resources | pointed}


def alias_of(template: Template, function: str) -> str:
    """Return the logical id that SAM will give to a function's alias; its `Ref` is an ARN."""
    name: str = template["Globals"]["Function"]["AutoPublishAlias"]
    return f"{function}Alias{name}"


def write_template(template: Template, path: Path) -> None:
    """Write a template as YAML, in a fixed order and without references inside it."""
    path.write_text(YAMLTemplateSerializer().serialize_template(template), "utf-8")


def read_template(path: Path) -> Template:
    """Read what `write_template` wrote."""
    read: Template = YAMLTemplateSerializer().load_template(path.read_text("utf-8"))
    return read


def _calling(alias: str, endpoint: str, method: Template) -> Template:
    integration = method["x-amazon-apigateway-integration"]
    called = integration["uri"]["Fn::Sub"]
    if called.count(_NEWEST) != 1:
        raise UnknownTemplate(f"{endpoint} calls {called}")
    uri = {"Fn::Sub": called.replace(_NEWEST, f"${{{alias}}}")}
    return method | {"x-amazon-apigateway-integration": integration | {"uri": uri}}


def _with(resource: Template, **properties: Any) -> Template:
    return resource | {"Properties": resource["Properties"] | properties}
