"""Values as Python: an expression that knows how to write itself, and the lines that compute it.

    maps = named(Code(("name", "gb")).attention(request), "maps")
    print(script(maps.weights[1, 7]))

    import glassbert as gb

    model = gb.load("pretrained")
    text = "The film was good."
    maps = gb.attention(model, text)
    maps.weights[1, 7]

A `Code` is built by using it as the value would be used: its attributes, its items and what its methods return are
codes too. What the gateway computes is written in this way in `components.gateway.code`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from components.gateway.models import precision_of
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.settings import is_shared

__all__ = ["Code", "named", "pair_of", "script", "stopped", "template", "text_of", "variables"]

# As much of a call or a text as is shown in one line.
_WIDTH = 62
_MODEL_NAMES = ("model", "second_model")
_TEXT_NAMES = ("text", "second_text")
_PAIR_NAMES = ("pair", "second_pair")


class Code:
    """A value, as the Python that computes it. Its attributes, its items and what its methods return are codes too."""

    __slots__ = ("_name", "_node", "_note")

    def __init__(self, node: tuple[Any, ...], name: str = "", note: str = "") -> None:
        """``name``: of the variable that holds it, if it gets one; ``note``: a comment on its line."""
        self._node, self._name, self._note = node, name, note

    def __getattr__(self, name: str) -> Code:
        if name.startswith("__"):  # tools look up __wrapped__ and the like on any object
            raise AttributeError(name)
        return Code(("attribute", self, name))

    def __call__(self, *arguments: Any, **options: Any) -> Code:
        return Code(("call", self, arguments, options))

    def __getitem__(self, key: Any) -> Code:
        return Code(("item", self, key))

    def __iter__(self) -> Any:
        raise TypeError("the length of a code is not known: take its items by their number")


def named(code: Code, name: str, note: str = "") -> Code:
    """The same value in a variable of its own."""
    return Code(code._node, name, note)


def stopped(code: Code) -> Code:
    """The same value, with a comment: on the page it is what was found until it was stopped."""
    return Code(code._node, code._name, "in full: on the page it was stopped early")


def template(text: str, *values: Any, needs: str = "") -> Code:
    """An expression with these values in place of {0}, {1} …; ``needs``: a line that imports what it uses."""
    return Code(("template", text, needs, values))


def script(*shown: Code) -> str:
    """The Python that computes these values, the last lines show them. Imports and loads what it needs."""
    lines = _Lines()
    ends = []
    for code in shown:
        expression = lines.expression(code)
        note = f"  # {code._note}" if code._note and not code._name else ""
        ends.append(expression + note)
    return "\n".join([*lines.imports, "", *lines.statements, *ends])


def variables(*shown: Code) -> list[str]:
    """What `script` calls these values, in the same order; for a value without a name, the expression."""
    lines = _Lines()
    return [lines.expression(code) for code in shown]


class _Lines:
    """Statements in order; each value is computed once, also where it is written twice."""

    def __init__(self) -> None:
        self.imports = ["import glassbert as gb"]
        self.statements: list[str] = []
        self._variables: dict[str, str] = {}

    def expression(self, code: Code) -> str:
        if not code._name:
            return self._written(code._node)
        return self.variable(self._written(code._node), (code._name,), code._note)

    def variable(self, expression: str, names: Sequence[str], note: str = "") -> str:
        """The variable that holds this expression, with the first of the names that is free."""
        if expression not in self._variables:
            taken = set(self._variables.values())
            numbered = (f"{names[-1]}_{number}" for number in range(2, 10_000))
            name = next(name for name in (*names, *numbered) if name not in taken)
            self._variables[expression] = name
            self.statements.append(f"{name} = {expression}{f'  # {note}' if note else ''}")
        return self._variables[expression]

    def _written(self, node: tuple[Any, ...]) -> str:
        kind, *parts = node
        if kind == "name":
            return str(parts[0])
        if kind == "text":
            return self.variable(_quoted(parts[0]), parts[1])
        if kind == "import":
            module, name = parts
            line = f"from {module} import {name}"
            if line not in self.imports:
                self.imports.append(line)
            return str(name)
        if kind == "attribute":
            return f"{self.expression(parts[0])}.{parts[1]}"
        if kind == "item":
            key = parts[1]
            inside = ", ".join(map(self.value, key)) if isinstance(key, tuple) else self.value(key)
            return f"{self.expression(parts[0])}[{inside}]"
        if kind == "template":
            template, line, values = parts
            if line and line not in self.imports:
                self.imports.insert(0, line)
            return str(template.format(*map(self.value, values)))
        if kind == "by":
            return f"{{one.{parts[1]}: one for one in {self.expression(parts[0])}}}"
        function, arguments, options = parts
        given = [written for argument in arguments for written in self._argument(argument)]
        given += [f"{name}={self.value(option)}" for name, option in options.items()]
        return _called(self.expression(function), given)

    def _argument(self, argument: Any) -> Iterable[str]:
        """A request is the arguments that most functions of the library begin with: the model, the text, text B."""
        if not isinstance(argument, TextRequest):
            yield self.value(argument)
            return
        yield self.value(argument.model)
        yield self.value(text_of(argument))
        if argument.pair is not None:
            yield self.value(pair_of(argument))

    def value(self, value: Any) -> str:
        """A value as a literal, or the variable that holds it."""
        if isinstance(value, Code):
            return self.expression(value)
        if isinstance(value, ModelRequest):
            return self._model(value)
        if isinstance(value, str):
            return _quoted(value)
        if isinstance(value, Mapping):
            return _enclosed("{", [f"{self.value(key)}: {self.value(item)}" for key, item in value.items()], "}")
        if isinstance(value, tuple):
            return f"({', '.join(map(self.value, value))}{',' * (len(value) == 1)})"
        if isinstance(value, slice):
            return ":".join("" if edge is None else str(edge) for edge in (value.start, value.stop))
        if isinstance(value, list):
            return _enclosed("[", list(map(self.value, value)), "]")
        if is_dataclass(value):  # a target or an edit; after a reload of the library, one of an older class
            return f"gb.{type(value).__name__}({', '.join(self._arguments_of(value))})"
        return repr(value.item() if hasattr(value, "item") else value)

    def _arguments_of(self, value: Any) -> Iterable[str]:
        """What was given to make this object: the fields without a default, and those that differ from it."""
        for field in fields(value):
            given = getattr(value, field.name)
            if field.default is MISSING:
                yield self.value(given)
            elif given != field.default:
                yield f"{field.name}={self.value(given)}"

    def _model(self, request: ModelRequest) -> str:
        source, note = request.source, ""
        if request.files and is_shared():  # where the folder is on the server is nobody's business
            source, note = source.rstrip("/\\").replace("\\", "/").rpartition("/")[2], "the folder of this model"
        device = "" if request.device == "auto" else f", device={_quoted(request.device)}"
        precision = precision_of(request)
        asked = "" if precision == "float32" else f", precision={_quoted(precision)}"
        model = self.variable(f"gb.load({_quoted(source)}{device}{asked})", _MODEL_NAMES, note)
        if not request.off:
            return model
        off = f"gb.ablate({model}, {self.value(list(request.off))})"
        return self.variable(off, ("ablated",), "these (layer, head) are switched off")


def text_of(request: TextRequest) -> Code:
    """The text in a variable of its own."""
    return Code(("text", request.text, _TEXT_NAMES))


def pair_of(request: TextRequest) -> Code:
    """The same of text B."""
    return Code(("text", request.pair or "", _PAIR_NAMES))


def _quoted(text: str) -> str:
    """A string literal, in double quotes where that needs no more escapes; long ones go over several lines."""
    if len(text) > _WIDTH + 8:
        parts = textwrap.wrap(
            text, _WIDTH, drop_whitespace=False, replace_whitespace=False, expand_tabs=False, break_on_hyphens=False
        )
        if "".join(parts) == text:  # it keeps every character as it is; this makes sure of it
            return "(\n" + "\n".join(f"    {_literal(part)}" for part in parts) + "\n)"
    return _literal(text)


def _literal(text: str) -> str:
    # repr escapes whatever is not printable, such as marks that change the direction of what follows
    return f'"{repr(chr(39) + text)[2:]}' if '"' not in text else repr(text)


def _called(function: str, arguments: list[str]) -> str:
    return _enclosed(f"{function}(", arguments, ")")


def _enclosed(opening: str, parts: list[str], closing: str) -> str:
    """On one line, with all parts on a line between two, or each part on its own."""
    inside = ", ".join(parts)
    if len(opening + inside + closing) <= _WIDTH and "\n" not in inside:
        return f"{opening}{inside}{closing}"
    if len(inside) <= _WIDTH and "\n" not in inside:
        return f"{opening}\n    {inside}\n{closing}"
    return "\n".join([opening, *(f"{textwrap.indent(part, '    ')}," for part in parts), closing])
