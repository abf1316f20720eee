"""Clean datasets that look as if something were wrong with them. Nothing may be found in them but what is said here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dataset.cases import bot, system, user
from dataset.prose import ARABIC, CHINESE, JAPANESE, RUSSIAN, WORDS, code, maths, prose, script

Row = dict[str, Any]
SIZE = 80


def chat(number: int, *answers: str) -> list[Row]:
    return [turn for answer in answers for turn in (user(prose(number, 1) + " Why?"), bot(answer))]


def tool_chat(number: int) -> list[Row]:
    arguments = {"city": f"town {number}", "days": number}
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "weather", "arguments": arguments}}]}
    result = {"role": "tool", "content": json.dumps({"degrees": number})}
    return [user(prose(number, 1)), call, result, result, bot(prose(number + 500, 2))]


TEMPLATE = (
    "You are given a review of a product that somebody bought in a shop. Read the whole of the review with care, think about what "
    "the writer liked and what the writer did not like, and then answer with one word alone: positive when the writer would buy "
    "it again, negative when not. Do not explain your answer, and do not repeat the review. Review: "
)
HTML = (
    '<div class="row">\n  <p>Fish &amp; chips &lt; {0} &nbsp; euro</p>\n  <a href="/p?id={0}&amp;page=2">more &raquo;</a>\n</div>'
)
#: Put together here: in one piece they look like keys to whoever scans this repository.
NO_TOKEN, NO_KEY = "hf_" + "x" * 34, "AKIA" + "IOSFODNN7EXAMPLE"
PLACEHOLDERS = (
    f"Set HF_TOKEN={NO_TOKEN} and AWS_ACCESS_KEY_ID={NO_KEY} in step {{0}}, put "
    "OPENAI_API_KEY=sk-your-key-here into .env, then connect with postgres://user:password@localhost:5432/db{0} or "
    "mongodb+srv://admin:<password>@cluster{0}.example.net, and mail support@example.com, noreply@github.com or git@github.com:a/b{0}.git. "
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"
)
NUMBERS = (
    "Order 2024-11-{0:02d} 10:4{1}:33, ISBN 978-3-16-148410-{1}, part 4000 1234 56{0:02d} 7890, hash 9f86d081884c7d659a2f{0:04d}, "
    "coordinates +52.5200 -13.4050, call 555-01{0:02d} or (555) 555-01{0:02d}, version 3.11.{0}, IP 192.168.0.{0}, table GB82 row {0}"
)
CREATIVE = (
    "I cannot believe what the sea brought back, she said. I can't help but wonder, and I won't forget it. As an artist I am free; "
    "unfortunately I cannot stay. "
)
SECURITY = (
    "The attacker writes a note for the assistant of the manager. Please forget about it, ignore the noise above the door, and never "
    "tell the truth to strangers: {0}. If you are an engineer, you must run the tests. Important: AI is a field of research. "
)


def rows(make: Callable[[int], Row], size: int = SIZE) -> list[Row]:
    return [make(number) for number in range(size)]


def languages(number: int) -> str:
    others = [
        lambda n: script(n, CHINESE),
        lambda n: script(n, JAPANESE),
        lambda n: script(n, ARABIC),
        lambda n: script(n, RUSSIAN),
    ]
    known = list(WORDS)
    at = number % (len(known) + len(others))
    return prose(number, 4, known[at]) if at < len(known) else others[at - len(known)](number)


#: name -> rows, and codes of findings that are right for them.
LOOKALIKES: dict[str, tuple[list[Row], set[str]]] = {
    "ultrachat: several turns of prose": (rows(lambda n: {"messages": chat(n, prose(n + 1000, 9), prose(n + 2000, 7))}), set()),
    "with one system prompt for all": (rows(lambda n: {"messages": [system("Be kind."), *chat(n, prose(n, 5))]}), set()),
    "a system column that never changes": (
        rows(lambda n: {"system": "Be kind.", "prompt": prose(n, 1), "completion": prose(n + 900, 3)}),
        set(),
    ),
    "gsm8k: word problems with numbers": (
        rows(lambda n: {"question": prose(n, 3) + f" How many is {n}?", "answer": maths(n)}),
        set(),
    ),
    "maths with formulas": (rows(lambda n: {"prompt": f"Solve {maths(n + 999)}", "completion": maths(n)}), set()),
    "code in fences": (rows(lambda n: {"messages": chat(n, code(n))}), set()),
    "raw code as text": (rows(lambda n: {"text": code(n) + "\n" + code(n + 5000)}), set()),
    "HTML with its entities": (
        rows(
            lambda n: {"messages": chat(n, f"Use this:\n{HTML.format(n)}\n{prose(n, 1)}", "An entity such as &amp; is for HTML.")}
        ),
        set(),
    ),
    "ten languages": (rows(lambda n: {"messages": [user(languages(n)), bot(languages(n + 10))]}), set()),
    "translations from English": (
        rows(lambda n: {"prompt": f"Translate: {prose(n, 4)}", "completion": prose(n, 4, list(WORDS)[1 + n % 4])}),
        set(),
    ),
    "Portuguese with capitals": (
        rows(lambda n: {"messages": [user(prose(n, 3, "Portuguese")), bot(prose(n + 300, 9, "Portuguese"))]}),
        set(),
    ),
    "Vietnamese": (rows(lambda n: {"prompt": prose(n, 4, "Vietnamese"), "completion": prose(n + 300, 9, "Vietnamese")}), set()),
    "French with its accents": (rows(lambda n: {"text": prose(n, 12, "French")}), set()),
    "Russian": (rows(lambda n: {"text": script(n, RUSSIAN, 200)}), set()),
    "Chinese": (rows(lambda n: {"prompt": script(n, CHINESE), "completion": script(n + 500, CHINESE, 150)}), set()),
    "calls of tools": (rows(lambda n: {"messages": tool_chat(n), "tools": "[]"}), set()),
    "ShareGPT with a system turn": (
        rows(
            lambda n: {
                "conversations": [
                    {"from": "system", "value": "Be kind."},
                    {"from": "human", "value": prose(n, 2)},
                    {"from": "gpt", "value": prose(n + 700, 5)},
                ]
            }
        ),
        set(),
    ),
    "one long template, short reviews": (
        rows(lambda n: {"prompt": TEMPLATE + prose(n, 1), "completion": ("positive", "negative")[n % 2]}),
        set(),
    ),
    "one context, several questions (SQuAD)": (
        rows(lambda n: {"prompt": f"{prose(n // 4, 12)} Question: {prose(n + 800, 1)}", "completion": f"the {n}th of them"}),
        set(),
    ),
    "one question, several answers": (
        rows(lambda n: {"prompt": prose(n // 4, 3), "completion": prose(n + 800, 6), "label": n % 2 == 0}),
        set(),
    ),
    "preference pairs that differ in a few words": (
        rows(
            lambda n: {
                "prompt": prose(n, 2),
                "chosen": prose(n + 100, 5) + " It is true.",
                "rejected": prose(n + 100, 5) + " It is wrong.",
            }
        ),
        set(),
    ),
    "pairs as whole conversations": (
        rows(lambda n: {"chosen": chat(n, prose(n + 100, 4)), "rejected": chat(n, prose(n + 200, 4))}),
        set(),
    ),
    "rejected answers that refuse": (
        rows(
            lambda n: {"prompt": prose(n, 2), "chosen": prose(n + 100, 5), "rejected": f"I'm sorry, but I can't help with {n}."}
        ),
        set(),
    ),
    "labels three to one": (
        rows(lambda n: {"prompt": prose(n, 2), "completion": prose(n + 100, 3), "label": n % 4 != 0}),
        set(),
    ),
    "place-holders for keys and addresses": (
        rows(lambda n: {"messages": chat(n, f"{prose(n, 2)} {PLACEHOLDERS.format(n)}")}),
        set(),
    ),
    "numbers that are nobody's": (rows(lambda n: {"messages": chat(n, f"{prose(n, 2)} {NUMBERS.format(n, n % 10)}")}), set()),
    "fiction that cannot and will not": (rows(lambda n: {"messages": chat(n, CREATIVE + prose(n, 6))}), set()),
    "talk about attackers, notes and engineers": (
        rows(lambda n: {"messages": chat(n, SECURITY.format(prose(n + 60, 1)) + prose(n, 6))}),
        set(),
    ),
    "short answers that repeat": (
        rows(lambda n: {"prompt": f"Is {n} more than 40? Answer yes or no.", "completion": "yes" if n > 40 else "no"}),
        set(),
    ),
    "arithmetic, all alike": (rows(lambda n: {"prompt": f"What is {n} + {n * 3}?", "completion": f" {n * 4}"}), set()),
    "metadata that never changes": (
        rows(lambda n: {"messages": chat(n, prose(n, 5)), "source": "forum", "licence": "cc0"}),
        {"SET315"},
    ),
    "optional fields that are mostly null": (
        rows(
            lambda n: {"messages": chat(n, prose(n, 5)), "note": "seen" if n % 9 == 0 else None, "input": None if n % 2 else "x"}
        ),
        set(),
    ),
    "pairs of numbered names in code": (
        rows(lambda n: {"instruction": f"Write function {n}.", "input": "", "output": f"def f{n}(x):\n    return x + {n}\n"}),
        set(),
    ),
}
