"""Mappings worth trying, best first, for each method. Which of them is right is settled by running it, not here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import (
    SPEAKER_NAMES,
    Script,
    asked,
    keep_rows,
    map_rows,
    quoted,
    rename,
    row,
    select,
    system,
)
from ml_intern_helpers.dataset.mapping.conversations import chat, listener
from ml_intern_helpers.dataset.mapping.labels import label_expression
from ml_intern_helpers.dataset.mapping.shaped import shape_scripts
from ml_intern_helpers.dataset.trainers.grpo import TAKEN
from ml_intern_helpers.dataset.trainers.rows import SUPPORTED

Rows = list[dict[str, Any]]
#: A prompt that somebody is to answer.
_ASKED = 'row["prompt"] and row["prompt"][-1]["role"] in ("user", "tool")'
EXTRAS = ("tools", "images")


def candidates(method: str, parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Scripts that may turn `rows` into what `method` reads; a shape found in the rows is meant before names alone are."""
    for shape in parts.shapes:
        yield from shape_scripts(method, shape, parts)
    if not any(method in shape.refuses for shape in parts.shapes):
        yield from _BY_METHOD[method](parts, parts.unpacked(rows))


def _sft(parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    if parts.has("messages"):
        yield _messages(parts, rows)
    if parts.has("prompt", "completion"):
        yield from _prompt_completion(parts, rows)
    if parts.has("dialogue"):
        yield _dialogue(parts)
    if parts.has("chosen"):
        yield from _chosen_only(parts, rows)
    if parts.has("text"):
        yield _renamed(parts, {"text": "text"})


def _messages(parts: ColumnRoles, rows: Rows) -> Script:
    """The chat column alone; ShareGPT keys and roles rewritten."""
    script = Script()
    made = _opened(parts, chat(script, parts, rows, "messages", "user"))
    if made == row(parts.by_role["messages"]):
        return _renamed(parts, {"messages": "messages"})
    script.map_rows({"messages": made}, _extras(parts))
    return script


def _prompt_completion(parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    label = label_expression(parts, rows)
    wanted = keep_rows(label) if label else ""
    if {"prompt", "completion"} <= set(parts.by_role.values()) and not parts.has("system"):
        yield _with(_renamed(parts, {"prompt": "prompt", "completion": "completion"}), before=wanted)
    script = Script()
    fields = {"prompt": _asked(script, parts, rows), "completion": chat(script, parts, rows, "completion", "assistant")}
    script.map_rows(fields, _extras(parts))
    yield _with(script, before=wanted)


def _dialogue(parts: ColumnRoles) -> Script:
    """A list of strings, user and assistant by turns."""
    column = parts.by_role["dialogue"]
    made = f'[{{"role": ("user", "assistant")[i % 2], "content": words}} for i, words in enumerate({row(column)})]'
    return Script(statements=[map_rows({"messages": made}, _extras(parts))])


def _chosen_only(parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Learn the preferred answers of preference data."""
    yield _renamed(parts, {"chosen": "messages"})
    if parts.has("prompt"):
        script = Script()
        fields = {"prompt": _asked(script, parts, rows), "completion": chat(script, parts, rows, "chosen", "assistant")}
        script.map_rows(fields, _extras(parts))
        yield script
    elif parts.kind("chosen") == "string":
        yield _renamed(parts, {"chosen": "text"})
    else:
        script = Script()
        script.map_rows({"messages": chat(script, parts, rows, "chosen", "assistant")}, _extras(parts))
        yield script


def _asked(script: Script, parts: ColumnRoles, rows: Rows) -> str:
    """An expression for the prompt's messages, whatever the prompt is."""
    return asked(parts) if parts.kind("prompt") == "string" else _opened(parts, chat(script, parts, rows, "prompt", "user"))


def _opened(parts: ColumnRoles, made: str) -> str:
    """`made` with the system column's words in front."""
    return f"[{system(parts)}, *{made}]" if parts.has("system") else made


def _pairs(parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """DPO, KTO and reward from pairs: the pair alone, with its prompt, then both as messages."""
    if not parts.has("chosen", "rejected"):
        return
    pair = {"chosen": "chosen", "rejected": "rejected"}
    if not parts.has("prompt") or parts.kind("chosen") != "string" or _begins_with_prompt(parts, rows):
        yield _renamed(parts, pair)
    if parts.has("prompt"):
        if "prompt" in parts.by_role.values() and not parts.has("system"):
            yield _renamed(parts, {"prompt": "prompt", **pair})
        yield _pair_as_messages(parts, rows)
    elif parts.kind("chosen") != "string":
        script = Script()
        fields = {name: chat(script, parts, rows, name, "assistant") for name in pair}
        script.map_rows(fields, _extras(parts))
        yield script


def _begins_with_prompt(parts: ColumnRoles, rows: Rows) -> bool:
    """Both answers hold the question, so that the pair alone is enough."""
    prompt, chosen = parts.by_role["prompt"], parts.by_role["chosen"]
    hits = sum(1 for item in rows if str(item.get(prompt)) in str(item.get(chosen)))
    return 2 * hits >= len(rows)


def _pair_as_messages(parts: ColumnRoles, rows: Rows) -> Script:
    script = Script()
    fields = {"prompt": _asked(script, parts, rows)}
    for name in ("chosen", "rejected"):
        answer = chat(script, parts, rows, name, "assistant")
        # A whole conversation ends in the answer; what comes before is the prompt over again.
        fields[name] = f"{answer}[-1:]" if parts.kind(name) in ("messages", "sharegpt") else answer
    script.map_rows(fields, _extras(parts))
    return script


def _kto(parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    label = label_expression(parts, rows)
    if parts.has("prompt", "completion") and label:
        if {"prompt", "completion"} <= set(parts.by_role.values()) and not parts.has("system"):
            yield Script(statements=[map_rows({"label": label}, ["prompt", "completion", *_extras(parts)])])
        script = Script()
        fields = {
            "prompt": _asked(script, parts, rows),
            "completion": chat(script, parts, rows, "completion", "assistant"),
            "label": label,
        }
        script.map_rows(fields, _extras(parts))
        yield script
    yield from _pairs(parts, rows)


def _grpo(parts: ColumnRoles, rows: Rows) -> Iterator[Script]:
    """Prompts alone; every other column stays, for the reward functions."""
    taken = [name for name in TAKEN if name in parts.kinds]
    if parts.has("images"):  # then strings beside the prompt's messages decide by chance what TRL takes the row for
        taken += [name for name in SUPPORTED if name != "prompt" and parts.kinds.get(name) == "string"]
    drop = f"dataset = dataset.remove_columns([{', '.join(map(quoted, taken))}])" if taken else ""
    if taken:
        yield Script(statements=[drop])
    for source in ("prompt", "messages", "chosen"):
        if parts.has(source) and (source == "prompt" or parts.kind(source) != "string"):
            asking = _with(_question(parts, rows, source), before=drop)
            yield asking
            if parts.kind(source) != "string":  # single rows may end with nobody's question
                yield Script(asking.definitions, [*asking.statements, keep_rows(_ASKED)], asking.mixed)


def _ends_with_answer(parts: ColumnRoles, rows: Rows, source: str) -> list[bool]:
    """For each conversation, whether it ends with the assistant's turn, so that what comes before is the question."""
    column = parts.by_role[source]
    who = listener(rows, [column]).keys[0]
    ends = [item[column][-1] for item in rows if item.get(column) and isinstance(item[column], list)]
    last = [turn.get(who) if isinstance(turn, dict) else None for turn in ends]
    return [SPEAKER_NAMES.get(str(role).lower(), str(role).lower()) == "assistant" for role in last]


def _question(parts: ColumnRoles, rows: Rows, source: str) -> Script:
    """The conversation without the answer at its end is the question."""
    script = Script()
    if source == "prompt" and parts.kind("prompt") == "string":
        script.map_rows({"prompt": _asked(script, parts, rows)}, None)
        return script
    made = _before_answer(script, chat(script, parts, rows, source, "user"), _ends_with_answer(parts, rows, source))
    gone = {parts.by_role[name] for name in (source, "chosen", "rejected") if parts.has(name)}
    script.map_rows({"prompt": made}, [name for name in parts.kinds if name not in gone])
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


def _renamed(parts: ColumnRoles, wanted: dict[str, str]) -> Script:
    """Columns of the parts `wanted` under the names TRL reads, and no others. Selecting first keeps renames free of clashes."""
    extras = _extras(parts)
    old_to_new = {parts.by_role[part]: name for part, name in wanted.items() if part in parts.by_role}
    statements = [select([*old_to_new, *extras]), rename(old_to_new)]
    return Script(statements=[statement for statement in statements if statement])


def _extras(parts: ColumnRoles) -> list[str]:
    """Columns that TRL reads beside the text, where they have TRL's names."""
    return [parts.by_role[part] for part in EXTRAS if parts.by_role.get(part) in ("tools", "images", "image")]


def _with(script: Script, *, before: str) -> Script:
    return Script(script.definitions, [before, *script.statements]) if before else script


_BY_METHOD: dict[str, Callable[[ColumnRoles, Rows], Iterator[Script]]] = {
    "sft": _sft,
    "dpo": _pairs,
    "grpo": _grpo,
    "kto": _kto,
    "reward": _pairs,
}
