"""A model's chat template, rendered as transformers renders it: sandboxed, for a template is a stranger's program."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any

_REASONING = ("reasoning_content", "thinking", "reasoning")


def render(template: str, messages: list[dict[str, Any]], **values: Any) -> str:
    """The text of `messages`.

    Args:
        template: Jinja source.
        messages: turns; keys whose value is None are left out, as transformers does.
        values: `tools`, `add_generation_prompt`, and the special tokens by name.

    Raises:
        jinja2.TemplateError: the template refuses these messages, or is broken.
    """
    turns = [_turn(message) for message in messages]
    told = {"tools": None, "documents": None, "add_generation_prompt": False, **values}
    return str(_compiled(template).render(messages=turns, **told))


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    held = {key: value for key, value in message.items() if value is not None}
    said = next((held[key] for key in _REASONING if key in held), None)
    return held if said is None else {"thinking": said, **held, "reasoning_content": said}


@cache
def _compiled(template: str) -> Any:
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what the assistant says; for counting it is its content and nothing else."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)


def _tojson(value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
    """Jinja's own filter escapes signs of HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
