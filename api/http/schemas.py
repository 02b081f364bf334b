"""JSON Schemas of the types that requests and answers are made of, with their docstrings as descriptions."""

import ast
import inspect
import textwrap
from collections.abc import Iterable
from typing import Any

import msgspec

REFERENCE = "#/components/schemas/{name}"


class Schemas:
    """The schemas of some types, each named once."""

    def __init__(self, types: Iterable[Any]) -> None:
        self._types = list(dict.fromkeys(types))
        schemas, self.components = msgspec.json.schema_components(self._types, ref_template=REFERENCE)
        self._schemas: dict[Any, dict[str, Any]] = dict(zip(self._types, schemas, strict=True))
        for one in _structs(self._types):
            if (schema := self.components.get(one.__name__)) is not None:
                _describe(schema, one)
                _tell_moments(schema, one)
                schema.update(getattr(one, "SCHEMA", {}))  # what msgspec has no words for

    def of(self, one: Any) -> dict[str, Any]:
        """A schema, mostly a reference to one."""
        return self._schemas[one]

    def fields(self, one: Any) -> dict[str, tuple[dict[str, Any], bool]]:
        """The fields of a struct, each with its schema and whether it must be given: for query parameters."""
        schema = self.components[one.__name__]
        required = schema.get("required", [])
        return {name: (_without_null(field), name in required) for name, field in schema["properties"].items()}


def _structs(types: Iterable[Any]) -> set[type[msgspec.Struct]]:
    """The structs among the types, and those that they are made of."""
    found: set[type[msgspec.Struct]] = set()

    def look(described: msgspec.inspect.Type) -> None:
        if isinstance(described, msgspec.inspect.StructType):
            if described.cls not in found:
                found.add(described.cls)
                for field in described.fields:
                    look(field.type)
            return
        for name in ("item_type", "key_type", "value_type", "type"):
            if isinstance(inner := getattr(described, name, None), msgspec.inspect.Type):
                look(inner)
        for inner in (*getattr(described, "types", ()), *getattr(described, "item_types", ())):
            look(inner)

    for one in types:
        look(msgspec.inspect.type_info(one))
    return found


def _describe(schema: dict[str, Any], struct: type[msgspec.Struct]) -> None:
    documented = field_docstrings(struct)
    names = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    for name, text in documented.items():
        field = schema.get("properties", {}).get(names.get(name, name))
        if field is not None:
            field.setdefault("description", text)


def _tell_moments(schema: dict[str, Any], struct: type[msgspec.Struct]) -> None:
    """Every date-time of ours has a zone; msgspec says `date-time` only where the type demands one."""
    for field in msgspec.structs.fields(struct):
        if (said := schema.get("properties", {}).get(field.encode_name)) is not None:
            _tell_moment(said, msgspec.inspect.type_info(field.type))


def _tell_moment(schema: dict[str, Any], described: msgspec.inspect.Type) -> None:
    if isinstance(described, msgspec.inspect.Metadata):
        described = described.type
    if isinstance(described, msgspec.inspect.DateTimeType):
        schema["format"] = "date-time"
    elif isinstance(described, msgspec.inspect.UnionType) and "anyOf" in schema:
        for one, inner in zip(schema["anyOf"], described.types, strict=True):
            _tell_moment(one, inner)
    elif isinstance(described, msgspec.inspect.DictType) and "additionalProperties" in schema:
        _tell_moment(schema["additionalProperties"], described.value_type)
    elif isinstance(described, msgspec.inspect.ListType | msgspec.inspect.VarTupleType) and "items" in schema:
        _tell_moment(schema["items"], described.item_type)


def field_docstrings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The text under each field, inherited ones included."""
    found: dict[str, str] = {}
    for one in reversed(struct.__mro__):
        if not issubclass(one, msgspec.Struct) or one is msgspec.Struct:
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        except (OSError, TypeError, SyntaxError):  # made at run time, or without source
            continue
        assert isinstance(body, ast.ClassDef)  # the source of a class
        for field, text in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(text):
                found[field.target.id] = inspect.cleandoc(text.value.value)  # type: ignore[attr-defined]
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out rather than null."""
    if "anyOf" not in schema:
        return schema
    (only,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return {**only, **{name: value for name, value in schema.items() if name not in ("anyOf", "default")}}
