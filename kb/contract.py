"""What the contract is made of: plain dataclasses, which pydantic sees only where something is written or validated.

A question answered in a terminal makes such objects, shows them and writes nothing. pydantic and its models would be a
quarter of what that costs as a whole process (docs/performance.md), so this module imports it when it is first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from pydantic import ConfigDict, TypeAdapter


class Contract:
    """Base of the dataclasses that are written and read as JSON. Unknown fields are refused.

    A constraint that pydantic is to hold stands in a field's `metadata` under pydantic's own name for it, beside the
    `description` that OpenAPI shows.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    def to_json(self, indent: int | None = None) -> str:
        """As JSON text."""
        return _adapter(type(self)).dump_json(self, indent=indent).decode()

    def to_dict(self) -> dict[str, Any]:
        """As what JSON can hold: days are text."""
        made: dict[str, Any] = _adapter(type(self)).dump_python(self, mode="json")
        return made

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read and validate JSON text. Raises pydantic's `ValidationError`, a `ValueError`."""
        made: Self = _adapter(cls).validate_json(text)
        return made

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Validate what JSON or YAML held. Raises pydantic's `ValidationError`, a `ValueError`."""
        made: Self = _adapter(cls).validate_python(fields)
        return made


class Matching:
    """Said of a text, as `Annotated[str, Matching(pattern)]`: without the white space around it, it matches."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> Any:
        """The constraint as pydantic holds it."""
        from pydantic_core import core_schema

        return core_schema.str_schema(pattern=self._pattern, strip_whitespace=True)


_adapters: dict[str, TypeAdapter[Any]] = {}


def _adapter(cls: type) -> TypeAdapter[Any]:
    """pydantic's view of a class, made once."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    if name not in _adapters:
        from pydantic import TypeAdapter

        _adapters[name] = TypeAdapter(cls)
    return _adapters[name]
