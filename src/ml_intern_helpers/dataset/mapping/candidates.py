"""Mappings worth trying, best first, for each method. Which of them is right is settled by running it, not here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.labels import desirable
from ml_intern_helpers.dataset.mapping.code import (
    SPEAKER_NAMES,
    Script,
    keep_rows,
    map_rows,
    prompt_messages,
    quoted,
    rename,
    row,
    select,
    system,
)
from ml_intern_helpers.dataset.mapping.conversations import chat, listener
from ml_intern_helpers.dataset.shapes.shape import Shape
from ml_intern_helpers.dataset.trainers.methods import TAKEN
from ml_intern_helpers.dataset.trainers.rows import SUPPORTED

Rows = list[dict[str, Any]]
#: A prompt that somebody is to answer.
_ASKED = 'row["prompt"] and row["prompt"][-1]["role"] in ("user", "tool")'
EXTRAS = ("tools", "images")


def candidates(method: str, roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Scripts that may turn `rows` into what `method` reads; a shape found in the rows is meant before names alone are."""
    for shape in roles.shapes:
        yield from shape_scripts(method, shape, roles)
    if not any(method in shape.refuses for shape in roles.shapes):
        yield from _BY_METHOD[method](roles, roles.unpacked(rows))


def _sft(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    if roles.has("messages"):
        yield _messages(roles, rows)
    if roles.has("prompt", "completion"):
        label = label_expression(roles, rows)
        wanted = keep_rows(label) if label else ""
        if {"prompt", "completion"} <= set(roles.by_role.values()) and not roles.has("system"):
            yield _with(_renamed(roles, {"prompt": "prompt", "completion": "completion"}), before=wanted)
        script = Script()
        fields = {"prompt": _asked(script, roles, rows), "completion": chat(script, roles, rows, "completion", "assistant")}
        script.map_rows(fields, _extras(roles))
        yield _with(script, before=wanted)
    if roles.has("dialogue"):
        # A list of strings, user and assistant by turns
        column = roles.by_role["dialogue"]
        made = f'[{{"role": ("user", "assistant")[i % 2], "content": words}} for i, words in enumerate({row(column)})]'
        yield Script(statements=[map_rows({"messages": made}, _extras(roles))])
    if roles.has("chosen"):
        yield from _chosen_only(roles, rows)
    if roles.has("text"):
        yield _renamed(roles, {"text": "text"})


def _messages(roles: ColumnRoles, rows: Rows) -> Script:
    """The chat column alone; ShareGPT keys and roles rewritten."""
    script = Script()
    made = _opened(roles, chat(script, roles, rows, "messages", "user"))
    if made == row(roles.by_role["messages"]):
        return _renamed(roles, {"messages": "messages"})
    script.map_rows({"messages": made}, _extras(roles))
    return script


def _chosen_only(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Learn the preferred answers of preference data."""
    yield _renamed(roles, {"chosen": "messages"})
    if roles.has("prompt"):
        script = Script()
        fields = {"prompt": _asked(script, roles, rows), "completion": chat(script, roles, rows, "chosen", "assistant")}
        script.map_rows(fields, _extras(roles))
        yield script
    elif roles.kind("chosen") == "string":
        yield _renamed(roles, {"chosen": "text"})
    else:
        script = Script()
        script.map_rows({"messages": chat(script, roles, rows, "chosen", "assistant")}, _extras(roles))
        yield script


def _asked(script: Script, roles: ColumnRoles, rows: Rows) -> str:
    """An expression for the prompt's messages, whatever the prompt is."""
    return (
        prompt_messages(roles)
        if roles.kind("prompt") == "string"
        else _opened(roles, chat(script, roles, rows, "prompt", "user"))
    )


def _opened(roles: ColumnRoles, made: str) -> str:
    """`made` with the system column's words in front."""
    return f"[{system(roles)}, *{made}]" if roles.has("system") else made


def _pairs(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """DPO, KTO and reward from pairs: the pair alone, with its prompt, then both as messages."""
    if not roles.has("chosen", "rejected"):
        return
    pair = {"chosen": "chosen", "rejected": "rejected"}
    if not roles.has("prompt") or roles.kind("chosen") != "string" or _begins_with_prompt(roles, rows):
        yield _renamed(roles, pair)
    if roles.has("prompt"):
        if "prompt" in roles.by_role.values() and not roles.has("system"):
            yield _renamed(roles, {"prompt": "prompt", **pair})
        yield _pair_as_messages(roles, rows)
    elif roles.kind("chosen") != "string":
        script = Script()
        fields = {name: chat(script, roles, rows, name, "assistant") for name in pair}
        script.map_rows(fields, _extras(roles))
        yield script


def _begins_with_prompt(roles: ColumnRoles, rows: Rows) -> bool:
    """Both answers hold the question, so that the pair alone is enough."""
    prompt, chosen = roles.by_role["prompt"], roles.by_role["chosen"]
    hits = sum(1 for item in rows if str(item.get(prompt)) in str(item.get(chosen)))
    return 2 * hits >= len(rows)


def _pair_as_messages(roles: ColumnRoles, rows: Rows) -> Script:
    script = Script()
    fields = {"prompt": _asked(script, roles, rows)}
    for name in ("chosen", "rejected"):
        answer = chat(script, roles, rows, name, "assistant")
        # A whole conversation ends in the answer; what comes before is the prompt over again.
        fields[name] = f"{answer}[-1:]" if roles.kind(name) in ("messages", "sharegpt") else answer
    script.map_rows(fields, _extras(roles))
    return script


def _kto(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    label = label_expression(roles, rows)
    if roles.has("prompt", "completion") and label:
        if {"prompt", "completion"} <= set(roles.by_role.values()) and not roles.has("system"):
            yield Script(statements=[map_rows({"label": label}, ["prompt", "completion", *_extras(roles)])])
        script = Script()
        fields = {
            "prompt": _asked(script, roles, rows),
            "completion": chat(script, roles, rows, "completion", "assistant"),
            "label": label,
        }
        script.map_rows(fields, _extras(roles))
        yield script
    yield from _pairs(roles, rows)


def _grpo(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Prompts alone; every other column stays, for the reward functions."""
    taken = [name for name in TAKEN if name in roles.kinds]
    if roles.has("images"):  # then strings beside the prompt's messages decide by chance what TRL takes the row for
        taken += [name for name in SUPPORTED if name != "prompt" and roles.kinds.get(name) == "string"]
    drop = f"dataset = dataset.remove_columns([{', '.join(map(quoted, taken))}])" if taken else ""
    if taken:
        yield Script(statements=[drop])
    for source in ("prompt", "messages", "chosen"):
        if roles.has(source) and (source == "prompt" or roles.kind(source) != "string"):
            asking = _with(_question(roles, rows, source), before=drop)
            yield asking
            if roles.kind(source) != "string":  # single rows may end with nobody's question
                yield Script(asking.definitions, [*asking.statements, keep_rows(_ASKED)], asking.mixed)


def _question(roles: ColumnRoles, rows: Rows, source: str) -> Script:
    """The conversation without the answer at its end is the question."""
    script = Script()
    if source == "prompt" and roles.kind("prompt") == "string":
        script.map_rows({"prompt": _asked(script, roles, rows)}, None)
        return script
    # For each conversation, whether it ends with the assistant's turn, so that what comes before is the question
    column = roles.by_role[source]
    who = listener(rows, [column]).keys[0]
    ends = [item[column][-1] for item in rows if item.get(column) and isinstance(item[column], list)]
    last = [turn.get(who) if isinstance(turn, dict) else None for turn in ends]
    made = _before_answer(
        script,
        chat(script, roles, rows, source, "user"),
        [SPEAKER_NAMES.get(str(role).lower(), str(role).lower()) == "assistant" for role in last],
    )
    gone = {roles.by_role[name] for name in (source, "chosen", "rejected") if roles.has(name)}
    script.map_rows({"prompt": made}, [name for name in roles.kinds if name not in gone])
    return script


def _before_answer(script: Script, made: str, answered: list[bool]) -> str:
    """`made` without the assistant's turn at its end, where there is one."""
    if not any(answered):
        return made
    if all(answered):
        return f"{made}[:-1]"
    script.definitions.append(
        'def question(turns):\n    return turns[:-1] if turns and turns[-1]["role"] == "assistant" else turns'
    )
    return f"question({made})"


def _renamed(roles: ColumnRoles, wanted: dict[str, str]) -> Script:
    """Columns of the parts `wanted` under the names TRL reads, and no others. Selecting first keeps renames free of clashes."""
    extras = _extras(roles)
    old_to_new = {roles.by_role[part]: name for part, name in wanted.items() if part in roles.by_role}
    statements = [select([*old_to_new, *extras]), rename(old_to_new)]
    return Script(statements=[statement for statement in statements if statement])


def _extras(roles: ColumnRoles) -> list[str]:
    """Columns that TRL reads beside the text, where they have TRL's names."""
    return [roles.by_role[part] for part in EXTRAS if roles.by_role.get(part) in ("tools", "images", "image")]


def _with(script: Script, *, before: str) -> Script:
    return Script(script.definitions, [before, *script.statements]) if before else script


_BY_METHOD: dict[str, Callable[[ColumnRoles, Rows], Iterator[Script]]] = {
    "sft": _sft,
    "dpo": _pairs,
    "grpo": _grpo,
    "kto": _kto,
    "reward": _pairs,
}


def label_expression(roles: ColumnRoles, rows: list[dict[str, Any]]) -> str | None:
    """Code that is true for a desirable row, or None when the values do not say which those are."""
    column = roles.get("label")
    good = desirable(item.get(column) for item in rows) if column else None
    if column is None or good is None:
        return None
    if all(isinstance(value, bool) for value in good):
        return row(column)
    if all(isinstance(value, (int, float)) for value in good):
        return f"{row(column)} > 0"
    words = [value for value, yes in good.items() if yes]
    wanted = quoted(words[0]) if len(words) == 1 else f"({', '.join(map(quoted, sorted(words)))})"
    return f"{row(column)} {'==' if len(words) == 1 else 'in'} {wanted}" if words else None


Fields = Mapping[str, str]
_PAIR = ("chosen", "rejected")


def shape_scripts(method: str, shape: Shape, roles: ColumnRoles) -> Iterator[Script]:
    """The script of `shape` for `method`, if it brings what the method reads."""
    fields = _FIELDS[method](shape.fields)
    if not fields or method in shape.refuses:
        return
    pictures = [name for name in ("images", "image") if name in roles.by_role.values()]
    # GRPO hands every other column to the reward functions.
    kept = None if method == "grpo" else [*pictures, *(["tools"] if "tools" in roles.by_role.values() else [])]
    if kept is not None and "tools" in shape.fields:
        fields = {**fields, "tools": shape.fields["tools"]}
    script = Script(mixed=shape.mixed)
    script.need(*shape.definitions, *shape.imports)
    if shape.keep:
        script.statements.append(keep_rows(shape.keep))
    yield script.map_rows(fields, kept)


def _shaped_sft(fields: Fields) -> Fields:
    if "messages" in fields:
        return {"messages": fields["messages"]}
    answer = fields.get("completion", fields.get("chosen"))
    return {"prompt": fields["prompt"], "completion": answer} if answer and "prompt" in fields else {}


def _shaped_pairs(fields: Fields) -> Fields:
    if not set(_PAIR) <= set(fields):
        return {}
    return {name: fields[name] for name in ("prompt", *_PAIR) if name in fields}


def _shaped_grpo(fields: Fields) -> Fields:
    prompt_messages = fields.get("prompt", fields.get("question"))
    return {"prompt": prompt_messages} if prompt_messages else {}


_FIELDS = {"sft": _shaped_sft, "dpo": _shaped_pairs, "reward": _shaped_pairs, "kto": _shaped_pairs, "grpo": _shaped_grpo}
