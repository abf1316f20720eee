"""Writes the example data of a units tutor: `chat.jsonl` (SFT), `preferences.jsonl` (DPO, KTO, reward), `prompts.jsonl` (GRPO).

    python examples/make_data.py [FOLDER]

The same bytes each time. Every figure is computed, so every reply is right, but for the warts that `with_warts` plants
on purpose: an audit ought to name them.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
CHAT_ROWS, PREFERENCE_ROWS, PROMPT_ROWS = 356, 160, 120
SYSTEM = "You are a units tutor. Answer in one or two short sentences."


@dataclass(frozen=True)
class Conversion:
    """`factor` small units make one big unit."""

    big: str
    bigs: str
    smalls: str
    factor: int

    @property
    def rule(self) -> str:
        article = "an" if self.big == "hour" else "a"
        return f"There are {self.factor} {self.smalls} in {article} {self.big}"


CONVERSIONS = (
    Conversion("minute", "minutes", "seconds", 60),
    Conversion("hour", "hours", "minutes", 60),
    Conversion("day", "days", "hours", 24),
    Conversion("week", "weeks", "days", 7),
    Conversion("year", "years", "months", 12),
    Conversion("metre", "metres", "centimetres", 100),
    Conversion("centimetre", "centimetres", "millimetres", 10),
    Conversion("kilometre", "kilometres", "metres", 1000),
    Conversion("kilogram", "kilograms", "grams", 1000),
    Conversion("tonne", "tonnes", "kilograms", 1000),
    Conversion("litre", "litres", "millilitres", 1000),
    Conversion("foot", "feet", "inches", 12),
    Conversion("yard", "yards", "feet", 3),
    Conversion("dozen", "dozens", "pieces", 12),
)
TO_SMALL = (
    "How many {smalls} are in {n} {bigs}?",
    "What is {n} {bigs} in {smalls}?",
    "Please convert {n} {bigs} to {smalls}.",
    "I have {n} {bigs}. How many {smalls} is that?",
)
TO_BIG = (
    "How many {bigs} are {total} {smalls}?",
    "What is {total} {smalls} in {bigs}?",
    "Please convert {total} {smalls} to {bigs}.",
)


@dataclass(frozen=True)
class Exchange:
    """One question with its reply and the number asked for."""

    question: str
    reply: str
    number: int


def to_small(unit: Conversion, n: int, wording: str) -> Exchange:
    total = n * unit.factor
    question = wording.format(n=n, bigs=unit.bigs, smalls=unit.smalls)
    return Exchange(question, f"{unit.rule}, so {n} {unit.bigs} are {n} × {unit.factor} = {total} {unit.smalls}.", total)


def to_big(unit: Conversion, n: int, wording: str) -> Exchange:
    total = n * unit.factor
    question = wording.format(total=total, bigs=unit.bigs, smalls=unit.smalls)
    return Exchange(question, f"{unit.rule}, so {total} {unit.smalls} are {total} ÷ {unit.factor} = {n} {unit.bigs}.", n)


def exchanges(chance: random.Random, count: int) -> list[Exchange]:
    """`count` different exchanges, in random order."""
    every = [to_small(unit, n, wording) for unit in CONVERSIONS for n in range(2, 13) for wording in TO_SMALL]
    every += [to_big(unit, n, wording) for unit in CONVERSIONS for n in range(2, 13) for wording in TO_BIG]
    return chance.sample(every, count)


def user(text: str) -> Row:
    return {"role": "user", "content": text}


def assistant(text: str) -> Row:
    return {"role": "assistant", "content": text}


def conversation(asked: list[Exchange], *, system: bool) -> Row:
    turns = [message for one in asked for message in (user(one.question), assistant(one.reply))]
    return {"messages": [{"role": "system", "content": SYSTEM}, *turns] if system else turns}


def chat(chance: random.Random) -> list[Row]:
    """Conversations of one or two exchanges; every fourth has a system prompt."""
    supply = iter(exchanges(chance, 2 * CHAT_ROWS))
    rows = [
        conversation([next(supply) for _ in range(1 + (index % 5 == 0))], system=index % 4 == 0) for index in range(CHAT_ROWS)
    ]
    return with_warts(rows)


def with_warts(rows: list[Row]) -> list[Row]:
    """Add what real chat data has: a question nobody answered, an empty reply, two rows that occur twice."""
    rows.insert(57, {"messages": [user("How many leap years are in a century?")]})
    rows.insert(191, {"messages": [user("What is 3 stone in kilograms?"), assistant("")]})
    rows.insert(230, rows[12])
    rows.insert(301, rows[104])
    return rows


def preferences(chance: random.Random) -> list[Row]:
    """Right reply against one with a wrong result."""

    def pair(one: Exchange) -> Row:
        wrong = one.number + chance.choice((-1, 1, 10))
        head, _, tail = one.reply.rpartition(f"= {one.number} ")
        return {
            "prompt": [user(one.question)],
            "chosen": [assistant(one.reply)],
            "rejected": [assistant(f"{head}= {wrong} {tail}")],
        }

    return [pair(one) for one in exchanges(chance, PREFERENCE_ROWS)]


def prompts(chance: random.Random) -> list[Row]:
    """Question and answer in the shape of GSM8K: the result stands after `####`."""
    return [{"question": one.question, "answer": f"{one.reply}\n#### {one.number}"} for one in exchanges(chance, PROMPT_ROWS)]


def write(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8", newline="\n")


def main(folder: Path) -> None:
    for seed, (name, make) in enumerate({"chat": chat, "preferences": preferences, "prompts": prompts}.items()):
        write(folder / f"{name}.jsonl", make(random.Random(seed)))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
