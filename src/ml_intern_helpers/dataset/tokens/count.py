"""How many tokens each row is to a trainer: what TRL puts into one sequence, encoded as TRL encodes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.tokens.model import Model
from ml_intern_helpers.dataset.tokens.template import render
from ml_intern_helpers.dataset.trainers.rows import Row
from ml_intern_helpers.dataset.trainers.turns import is_chat

#: (text, whether the tokenizer adds its own special tokens: a template has written them already)
Sequence = tuple[str, bool]
_BATCH = 256


def count(model: Model, method: str, rows: list[Row]) -> list[int]:
    """Tokens of each of `rows`, which are in the form that `method` reads; of a pair, the longer answer with its prompt.

    Raises:
        BadData: the rows are conversations and the model has no chat template, or the template refuses one of them.
    """
    if method == "sft" and "input_ids" in rows[0]:
        return [len(row["input_ids"]) for row in rows]
    sequences = [list(_sequences(model, method, row, number)) for number, row in enumerate(rows, 1)]
    flat = [sequence for found in sequences for sequence in found]
    lengths = iter(_encode(model, flat))
    return [max((next(lengths) for _ in found), default=0) for found in sequences]


def _encode(model: Model, sequences: list[Sequence]) -> list[int]:
    found = [0] * len(sequences)
    for special in (True, False):
        places = [at for at, (_, adds) in enumerate(sequences) if adds is special]
        for start in range(0, len(places), _BATCH):
            part = places[start : start + _BATCH]
            encoded = model.tokenizer.encode_batch_fast([sequences[at][0] for at in part], add_special_tokens=special)
            for at, item in zip(part, encoded, strict=True):
                found[at] = len(item.ids)
    return found


def _sequences(model: Model, method: str, row: Row, number: int) -> Iterator[Sequence]:
    """The texts that `row` becomes."""
    if method == "grpo":
        yield _sequence(model, row, row["prompt"], None, number)
    elif method != "sft" and "chosen" in row:
        yield from (_sequence(model, row, row.get("prompt"), row[name], number) for name in ("chosen", "rejected"))
    elif "prompt" in row:
        yield _sequence(model, row, row["prompt"], row["completion"], number)
    else:
        name = next(name for name in ("messages", "conversations", "text") if name in row)
        yield _sequence(model, row, None, _renamed(row[name]) if name == "conversations" else row[name], number)


def _sequence(model: Model, row: Row, prompt: Any, answer: Any, number: int) -> Sequence:
    if is_chat(prompt) or is_chat(answer):
        return _rendered(model, row, [*(prompt or []), *(answer or [])], answer is None, number), False
    text = (prompt or "") + (answer or "")
    end = model.special.get("eos_token", "")
    # TRL ends plain texts with the end-of-sequence token; GRPO's prompts go on.
    return text if answer is None or text.endswith(end) else text + end, True


def _rendered(model: Model, row: Row, messages: list[Any], ask: bool, number: int) -> str:
    from jinja2 import TemplateError

    tools = row.get("tools")
    tools = json.loads(tools) if isinstance(tools, str) else tools
    template = model.template(tools)
    if template is None:
        told = f"--model: {clean(model.name, limit=120)} has no chat template, and the rows are conversations"
        raise BadData(told, hint="a model with a chat template (instruct, chat), or rows of plain text")
    more = row.get("chat_template_kwargs") or {}
    try:
        return render(template, messages, **{**model.special, "tools": tools, "add_generation_prompt": ask, **more})
    except (TemplateError, TypeError, AttributeError, KeyError, ValueError) as err:
        told = f"--model: its chat template refuses sampled row {number}: {clean(err, limit=150)}"
        raise BadData(told, hint="training would stop there too: repair or drop such rows, or take another template") from err


def _renamed(turns: Any) -> Any:
    """`from` and `value` under the names that templates know, as TRL does."""
    names = {"from": "role", "value": "content"}
    return [{names.get(key, key): value for key, value in turn.items()} for turn in turns] if isinstance(turns, list) else turns
