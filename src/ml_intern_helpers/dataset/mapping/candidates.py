"""Generates the candidate mappings of each method, best first; `mapping.run` decides by running them which of them works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.labels import desirable
from ml_intern_helpers.dataset.mapping.code import (
    SPEAKER_NAMES,
    Script,
    chat,
    keep_rows,
    prompt_messages,
    quoted,
    rename,
    row,
    select,
    system,
    turn_format,
)
from ml_intern_helpers.dataset.shapes.shape import Shape
from ml_intern_helpers.dataset.trainers.methods import TAKEN
from ml_intern_helpers.dataset.trainers.rows import SUPPORTED

Rows = list[dict[str, Any]]
#: The condition that a prompt ends with a turn that the assistant is to answer.
_ENDS_WITH_QUESTION = 'row["prompt"] and row["prompt"][-1]["role"] in ("user", "tool")'
EXTRAS = ("tools", "images")


def candidates(method: str, roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Scripts that may turn `rows` into what `method` reads: first those of recognised shapes, then those for column roles."""
    for shape in roles.shapes:
        yield from shape_scripts(method, shape, roles)
    if not any(method in shape.refuses for shape in roles.shapes):
        yield from _BY_METHOD[method](roles, roles.unpacked(rows))


def _sft(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    if roles.has("messages"):
        # Only the chat column, with ShareGPT keys and speakers rewritten.
        script = Script()
        messages = _with_system(roles, chat(script, roles, rows, "messages", "user"))
        if messages == row(roles.by_role["messages"]):
            yield _renamed(roles, {"messages": "messages"})
        else:
            yield script.map_rows({"messages": messages}, _extras(roles))
    if roles.has("prompt", "completion"):
        label = label_expression(roles, rows)
        wanted = keep_rows(label) if label else ""
        if _named_as_trl(roles):
            yield _after(wanted, _renamed(roles, {"prompt": "prompt", "completion": "completion"}))
        yield _after(wanted, _prompt_and_answer(roles, rows, "completion"))
    if roles.has("dialogue"):
        # A list of strings, alternately of the user and the assistant.
        column = roles.by_role["dialogue"]
        turns = f'[{{"role": ("user", "assistant")[i % 2], "content": words}} for i, words in enumerate({row(column)})]'
        yield Script().map_rows({"messages": turns}, _extras(roles))
    if roles.has("chosen"):
        # Train on the preferred answers of preference data.
        yield _renamed(roles, {"chosen": "messages"})
        if roles.has("prompt"):
            yield _prompt_and_answer(roles, rows, "chosen")
        elif roles.kind("chosen") == "string":
            yield _renamed(roles, {"chosen": "text"})
        else:
            script = Script()
            yield script.map_rows({"messages": chat(script, roles, rows, "chosen", "assistant")}, _extras(roles))
    if roles.has("text"):
        yield _renamed(roles, {"text": "text"})


def _pairs(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Mappings of pairs for DPO, KTO and reward: first the pair alone, then with its prompt, then both as messages."""
    if not roles.has("chosen", "rejected"):
        return
    pair = {"chosen": "chosen", "rejected": "rejected"}
    if not roles.has("prompt") or roles.kind("chosen") != "string" or _begins_with_prompt(roles, rows):
        yield _renamed(roles, pair)
    script = Script()
    if roles.has("prompt"):
        if "prompt" in roles.by_role.values() and not roles.has("system"):
            yield _renamed(roles, {"prompt": "prompt", **pair})
        fields = {"prompt": _prompt(script, roles, rows)}
        for name in pair:
            answer = chat(script, roles, rows, name, "assistant")
            # A whole conversation ends with the answer; the turns before it repeat the prompt.
            fields[name] = f"{answer}[-1:]" if roles.kind(name) in ("messages", "sharegpt") else answer
        yield script.map_rows(fields, _extras(roles))
    elif roles.kind("chosen") != "string":
        fields = {name: chat(script, roles, rows, name, "assistant") for name in pair}
        yield script.map_rows(fields, _extras(roles))


def _begins_with_prompt(roles: ColumnRoles, rows: Rows) -> bool:
    """Whether most answers contain the prompt, so that the pair alone is enough."""
    prompt, chosen = roles.by_role["prompt"], roles.by_role["chosen"]
    hits = sum(1 for item in rows if str(item.get(prompt)) in str(item.get(chosen)))
    return 2 * hits >= len(rows)


def _kto(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    label = label_expression(roles, rows)
    if roles.has("prompt", "completion") and label:
        if _named_as_trl(roles):
            yield Script().map_rows({"label": label}, ["prompt", "completion", *_extras(roles)])
        yield _prompt_and_answer(roles, rows, "completion", label=label)
    yield from _pairs(roles, rows)


def _grpo(roles: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Mappings that make prompts; every other column stays for the reward functions."""
    taken = [name for name in TAKEN if name in roles.kinds]
    if roles.has("images"):  # with images, TRL may take a row for plain text if it has strings beside the prompt's messages
        taken += [name for name in SUPPORTED if name != "prompt" and roles.kinds.get(name) == "string"]
    drop = f"dataset = dataset.remove_columns([{', '.join(map(quoted, taken))}])" if taken else ""
    if taken:
        yield Script(statements=[drop])
    for source in ("prompt", "messages", "chosen"):
        if roles.has(source) and (source == "prompt" or roles.kind(source) != "string"):
            to_prompt = _after(drop, _question(roles, rows, source))
            yield to_prompt
            if roles.kind(source) != "string":  # some rows may end with a turn that needs no answer
                yield Script(to_prompt.definitions, [*to_prompt.statements, keep_rows(_ENDS_WITH_QUESTION)], to_prompt.mixed)


def _question(roles: ColumnRoles, rows: Rows, source: str) -> Script:
    """A script that makes the prompt from the column of role `source`: its conversation without a final answer."""
    script = Script()
    if source == "prompt" and roles.kind("prompt") == "string":
        return script.map_rows({"prompt": _prompt(script, roles, rows)}, None)
    messages = chat(script, roles, rows, source, "user")
    column = roles.by_role[source]
    speaker_key = turn_format(rows, [column]).keys[0]
    last_turns = [item[column][-1] for item in rows if item.get(column) and isinstance(item[column], list)]
    speakers = [str(turn.get(speaker_key) if isinstance(turn, dict) else None).lower() for turn in last_turns]
    answered = [SPEAKER_NAMES.get(speaker, speaker) == "assistant" for speaker in speakers]
    if any(answered) and all(answered):
        messages = f"{messages}[:-1]"
    elif any(answered):
        script.definitions.append(
            'def question(turns):\n    return turns[:-1] if turns and turns[-1]["role"] == "assistant" else turns'
        )
        messages = f"question({messages})"
    gone = {roles.by_role[name] for name in (source, "chosen", "rejected") if roles.has(name)}
    return script.map_rows({"prompt": messages}, [name for name in roles.kinds if name not in gone])


def _prompt_and_answer(roles: ColumnRoles, rows: Rows, answer: str, **more: str) -> Script:
    """Prompt and completion as messages; `answer` is the role of the column that holds the completion."""
    script = Script()
    fields = {"prompt": _prompt(script, roles, rows), "completion": chat(script, roles, rows, answer, "assistant"), **more}
    return script.map_rows(fields, _extras(roles))


def _prompt(script: Script, roles: ColumnRoles, rows: Rows) -> str:
    """An expression for the prompt's messages, from a string or from turns."""
    if roles.kind("prompt") == "string":
        return prompt_messages(roles)
    return _with_system(roles, chat(script, roles, rows, "prompt", "user"))


def _with_system(roles: ColumnRoles, messages: str) -> str:
    """`messages` with the text of the system column as the first turn."""
    return f"[{system(roles)}, *{messages}]" if roles.has("system") else messages


def _named_as_trl(roles: ColumnRoles) -> bool:
    """Whether prompt and completion have TRL's names, and there is no system column to put in front."""
    return {"prompt", "completion"} <= set(roles.by_role.values()) and not roles.has("system")


def _renamed(roles: ColumnRoles, wanted: dict[str, str]) -> Script:
    """A script that keeps only the columns of the roles in `wanted`, renamed. Selecting first avoids clashes of names."""
    old_to_new = {roles.by_role[role]: name for role, name in wanted.items() if role in roles.by_role}
    statements = [select([*old_to_new, *_extras(roles)]), rename(old_to_new)]
    return Script(statements=[statement for statement in statements if statement])


def _extras(roles: ColumnRoles) -> list[str]:
    """Columns with TRL's names that it reads in addition to the text."""
    return [roles.by_role[role] for role in EXTRAS if roles.by_role.get(role) in ("tools", "images", "image")]


def _after(statement: str, script: Script) -> Script:
    return Script(script.definitions, [statement, *script.statements]) if statement else script


_BY_METHOD: dict[str, Callable[[ColumnRoles, Rows], Iterator[Script]]] = {
    "sft": _sft,
    "dpo": _pairs,
    "grpo": _grpo,
    "kto": _kto,
    "reward": _pairs,
}


def label_expression(roles: ColumnRoles, rows: list[dict[str, Any]]) -> str | None:
    """An expression that is true for desirable rows, or None when the values do not show which rows are desirable."""
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


def shape_scripts(method: str, shape: Shape, roles: ColumnRoles) -> Iterator[Script]:
    """The script of `shape` for `method`, if the shape has what the method reads."""
    fields = _shape_fields(method, shape.fields)
    if not fields or method in shape.refuses:
        return
    # GRPO hands every other column to the reward functions.
    kept = None if method == "grpo" else [name for name in ("images", "image", "tools") if name in roles.by_role.values()]
    if kept is not None and "tools" in shape.fields:
        fields["tools"] = shape.fields["tools"]
    script = Script(mixed=shape.mixed)
    script.need(*shape.definitions, *shape.imports)
    if shape.keep:
        script.statements.append(keep_rows(shape.keep))
    yield script.map_rows(fields, kept)


def _shape_fields(method: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The expressions in `fields` that `method` reads; empty when something that it needs is missing."""
    if method == "grpo":
        prompt = fields.get("prompt", fields.get("question"))
        return {"prompt": prompt} if prompt else {}
    if method == "sft":
        if "messages" in fields:
            return {"messages": fields["messages"]}
        answer = fields.get("completion", fields.get("chosen"))
        return {"prompt": fields["prompt"], "completion": answer} if answer and "prompt" in fields else {}
    if "chosen" not in fields or "rejected" not in fields:
        return {}
    return {name: fields[name] for name in ("prompt", "chosen", "rejected") if name in fields}
