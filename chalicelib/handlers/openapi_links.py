"""Where an answer leads: OpenAPI links between operations, found in their declarations.

Two operations are joined by names: what one was asked in its path, or answers, and the other wants under the
same name in its path, query or body. Only ids, tokens and offers count; `state` is shared by chance. Of a
list the first entry stands for all. Weak point: a link says what may follow, not that it will succeed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeAliasType, get_args, get_origin

from pydantic import BaseModel, RootModel

from chalicelib.handlers.endpoints import AnswerKind, Endpoint

type Links = dict[str, dict[str, Any]]


def links(source: Endpoint, kind: AnswerKind | tuple[AnswerKind, ...], all_: Sequence[Endpoint]) -> Links:
    """Describe what can be done with an answer.

    Parameters
    ----------
    kind
        What the status in question carries.
    all_
        Every operation there is.
    """
    asked = {name: f"$request.path.{name}" for name in source.path_parameters}
    kinds = kind if isinstance(kind, tuple) else (kind,)
    answered: dict[str, str] = {}
    for each in kinds:
        if isinstance(each, type):
            answered |= dict(_answered(each))
    found = {target.name: _link(source, target, asked, answered) for target in all_}
    return {name: link for name, link in found.items() if link is not None}


def _link(
    source: Endpoint, target: Endpoint, asked: Mapping[str, str], answered: Mapping[str, str]
) -> dict[str, Any] | None:
    known = {**asked, **answered}
    path = {name: known[name] for name in target.path_parameters if name in known}
    query = _wanted(target.query, answered)
    body = _wanted(target.request, answered)
    beside = target.path == source.path or target.path.startswith(f"{source.path}/")
    if len(path) < len(target.path_parameters) and not beside:
        return None
    if target.method == "PUT" and not beside:  # an id somewhere else is no reason to describe its thing anew
        return None
    news = {name for name in (*path, *body) if name not in asked and not name.endswith("_token")}
    if not news and (source.method == "GET" or not path):  # a second read of the same is no lead
        return None
    link: dict[str, Any] = {"operationId": target.name}
    if path or query:
        link["parameters"] = {**path, **query}
    if body:
        link["requestBody"] = body
    return link


def _is_handed_on(name: str) -> bool:
    return name == "offer" or name.endswith(("_id", "_token"))


def _answered(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Names that an answer hands on, and where they stand in it."""
    for name, field in model.model_fields.items():
        if _is_handed_on(name):
            yield name, f"$response.body#/{name}"
        for entry in _entries(field.annotation):
            for inner in entry.model_fields:
                if _is_handed_on(inner):
                    yield inner, f"$response.body#/{name}/0/{inner}"


def _entries(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a list is made of."""
    if isinstance(get_origin(annotation), type) and issubclass(get_origin(annotation), Sequence):
        for part in get_args(annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield part


def _wanted(model: type[BaseModel] | None, answered: Mapping[str, str]) -> dict[str, str]:
    """What a request takes from an answer; of a choice between requests, the one that takes something."""
    for each in _choices(model):
        taken = {name: answered[name] for name in each.model_fields if name in answered}
        if taken:
            return {**_constants(each), **taken}
    return {}


def _choices(model: Any) -> Iterator[type[BaseModel]]:
    if isinstance(model, TypeAliasType):
        yield from _choices(model.__value__)
    elif isinstance(model, type) and issubclass(model, RootModel):
        yield from _choices(model.model_fields["root"].annotation)
    elif isinstance(model, type) and issubclass(model, BaseModel):
        yield model
    elif model is not None:
        parts = get_args(model)
        for part in parts[:1] if get_origin(model) is Annotated else parts:
            yield from _choices(part)


def _constants(model: type[BaseModel]) -> dict[str, str]:
    """Fields of one possible value, such as the `kind` that tells a choice."""
    constants = {}
    for name, field in model.model_fields.items():
        values = get_args(field.annotation)
        if field.is_required() and len(values) == 1 and isinstance(values[0], str):
            constants[name] = values[0]
    return constants
