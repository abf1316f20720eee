"""Datasets of known truth: what each trainer makes of them, and what must be found in them.

`truth` maps a method to the verdict; methods left out are incompatible. `tests/dataset/test_truth_training.py` holds this very
table to the real trainers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
R, M, X, U = "ready", "needs_mapping", "incompatible", "unknown"
SIZE = 8


def user(text: str) -> Row:
    return {"role": "user", "content": text}


def bot(text: str) -> Row:
    return {"role": "assistant", "content": text}


def system(text: str) -> Row:
    return {"role": "system", "content": text}


def question(number: int) -> str:
    return f"what is the meaning of number {number}"


@dataclass(frozen=True)
class Case:
    """One generated dataset.

    Attributes:
        name: says why it is here.
        rows: all of its rows.
        truth: method -> verdict, incompatible where absent.
        found: finding codes that must come up without --method.
        absent: finding codes that must not.
    """

    name: str
    rows: list[Row]
    truth: dict[str, str]
    found: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)


def rows(make: Any, size: int = SIZE) -> list[Row]:
    return [make(number) for number in range(size)]


def chat(number: int) -> list[Row]:
    return [user(question(number)), bot(f"it means {number}")]


def worse(number: int) -> list[Row]:
    return [user(question(number)), bot(f"nobody knows {number}")]


def sharegpt(number: int, human: str = "human", gpt: str = "gpt") -> list[Row]:
    return [{"from": human, "value": question(number)}, {"from": gpt, "value": f"it means {number}"}]


def with_row(items: list[Row], position: int, row: Row) -> list[Row]:
    return [*items[:position], row, *items[position + 1 :]]


HH = "\n\nHuman: {}\n\nAssistant:{}"
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}],
}

SFT_CASES = [
    Case("messages", rows(lambda n: {"messages": chat(n)}), {"sft": R, "grpo": M}),
    Case("messages with a system turn", rows(lambda n: {"messages": [system("be kind"), *chat(n)]}), {"sft": R, "grpo": M}),
    Case("text", rows(lambda n: {"text": question(n)}), {"sft": R}),
    Case("text under another name", rows(lambda n: {"content": question(n)}), {"sft": M}),
    Case(
        "prompt and completion as strings",
        rows(lambda n: {"prompt": question(n), "completion": f" it means {n}"}),
        {"sft": R, "grpo": R},
    ),
    Case(
        "prompt and completion as messages",
        rows(lambda n: {"prompt": chat(n)[:1], "completion": chat(n)[1:]}),
        {"sft": R, "grpo": R},
    ),
    Case(
        "stray prompt beside messages (ultrachat)",
        rows(lambda n: {"prompt": question(n), "prompt_id": str(n), "messages": chat(n)}),
        {"sft": M, "grpo": R},
        {"SET201"},
    ),
    Case(
        "stray prompt beside text",
        rows(lambda n: {"prompt": question(n), "text": question(n) + " it means"}),
        {"sft": M, "grpo": R},
        {"SET201"},
    ),
    Case("sharegpt with human and gpt", rows(lambda n: {"conversations": sharegpt(n)}), {"sft": M, "grpo": M}, {"SET206"}),
    Case(
        "sharegpt with user and assistant",
        rows(lambda n: {"conversations": sharegpt(n, "user", "assistant")}),
        {"sft": R, "grpo": M},
        absent={"SET206"},
    ),
    Case("conversations with role and content", rows(lambda n: {"conversations": chat(n)}), {"sft": M, "grpo": M}),
    Case("messages with from and value", rows(lambda n: {"messages": sharegpt(n, "user", "assistant")}), {"sft": M, "grpo": M}),
    Case(
        "alpaca",
        rows(lambda n: {"instruction": question(n), "input": "" if n % 2 else "briefly", "output": f"it means {n}"}),
        {"sft": M, "grpo": M},
    ),
    Case("question and answer (gsm8k)", rows(lambda n: {"question": question(n), "answer": str(n)}), {"sft": M, "grpo": M}),
    Case(
        "system, question and response",
        rows(lambda n: {"system_prompt": "be kind", "question": question(n), "response": f"it means {n}"}),
        {"sft": M, "grpo": M},
    ),
    Case("dialogue as a list of strings", rows(lambda n: {"dialog": [question(n), f"it means {n}"]}), {"sft": M}),
    Case(
        "one null among messages",
        with_row(rows(lambda n: {"messages": chat(n)}), 3, {"messages": None}),
        {"sft": M, "grpo": M},
        {"SET214"},
    ),
    Case(
        "one empty list among messages",
        with_row(rows(lambda n: {"messages": chat(n)}), 5, {"messages": []}),
        {"sft": M, "grpo": M},
        {"SET215"},
    ),
    Case("one null text", with_row(rows(lambda n: {"text": question(n)}), 2, {"text": None}), {"sft": M}, {"SET214"}),
    Case(
        "a null content without a tool call",
        with_row(
            rows(lambda n: {"messages": chat(n)}), 2, {"messages": [user("a question"), {"role": "assistant", "content": None}]}
        ),
        {"sft": M, "grpo": M},
        {"SET216"},
    ),
    Case(
        "tool calls without content are fine",
        rows(lambda n: {"messages": [user(question(n)), CALL, {"role": "tool", "content": "1"}, bot("one")], "tools": "[]"}),
        {"sft": R, "grpo": M},
        absent={"SET216", "SET210"},
    ),
    Case("tools that are no JSON", rows(lambda n: {"messages": chat(n), "tools": "no json"}), {"grpo": M}, {"SET210"}),
    Case(
        "an empty turn",
        with_row(rows(lambda n: {"messages": chat(n)}), 1, {"messages": [user("hello there"), bot("")]}),
        {"sft": R, "grpo": M},
        {"SET301"},
    ),
    Case(
        "last turn is the user's", rows(lambda n: {"messages": [*chat(n), user("and then")]}), {"sft": R, "grpo": M}, {"SET302"}
    ),
    Case("tokenised", rows(lambda n: {"input_ids": [1, 2, 3], "attention_mask": [1, 1, 1]}), {"sft": R}),
    Case("numbers only", rows(lambda n: {"x": n, "y": n / 2}), {}),
]

PREFERENCE_CASES = [
    Case(
        "preference as strings",
        rows(lambda n: {"prompt": question(n), "chosen": f" it means {n}", "rejected": " nobody knows"}),
        {"sft": M, "dpo": R, "kto": R, "reward": R, "grpo": R},
    ),
    Case(
        "preference as messages",
        rows(lambda n: {"prompt": chat(n)[:1], "chosen": chat(n)[1:], "rejected": worse(n)[1:]}),
        {"sft": M, "dpo": R, "kto": R, "reward": R, "grpo": R},
    ),
    Case(
        "implicit prompt as messages",
        rows(lambda n: {"chosen": chat(n), "rejected": worse(n), "score_chosen": 1.0, "score_rejected": 0.5}),
        {"sft": M, "dpo": R, "kto": R, "reward": R, "grpo": M},
    ),
    Case(
        "implicit prompt as strings (hh)",
        rows(lambda n: {"chosen": HH.format(question(n), " yes"), "rejected": HH.format(question(n), " never")}),
        {"sft": M, "dpo": R, "kto": R, "reward": R},
    ),
    Case(
        "UltraFeedback mix: prompt string beside messages",
        rows(lambda n: {"prompt": question(n), "chosen": chat(n), "rejected": worse(n), "messages": chat(n)}),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": R},
        {"SET201", "SET203"},
    ),
    Case(
        "prompt string beside the answers as one message",
        rows(lambda n: {"prompt": question(n), "chosen": chat(n)[1:], "rejected": worse(n)[1:]}),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": R},
        {"SET202"},
    ),
    Case(
        "question that DPO ignores (orca)",
        rows(lambda n: {"system": "be kind", "question": question(n), "chosen": f"it means {n}", "rejected": "nobody knows"}),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": M},
        {"SET204"},
    ),
    Case(
        "prompt repeated in the answers",
        rows(lambda n: {"prompt": chat(n)[:1], "chosen": chat(n), "rejected": worse(n)}),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": R},
        {"SET205"},
    ),
    Case(
        "chosen equals rejected in some rows",
        [
            *rows(lambda n: {"prompt": question(n), "chosen": " yes", "rejected": " no"}, 6),
            {"prompt": question(7), "chosen": " a", "rejected": " a"},
        ],
        {"sft": M, "dpo": R, "kto": R, "reward": R, "grpo": R},
        {"SET303"},
    ),
    Case(
        "scores are no answers",
        rows(lambda n: {"prompt": question(n), "chosen_score": 1.0, "rejected_score": 0.5}),
        {"grpo": R},
    ),
    Case(
        "other names for the pair",
        rows(lambda n: {"prompt": question(n), "chosen_response": " yes", "rejected_response": " no"}),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": R},
    ),
    Case(
        "sharegpt prompt, answers as single turns",
        rows(
            lambda n: {"conversations": sharegpt(n)[:1], "chosen": sharegpt(n)[1], "rejected": {"from": "gpt", "value": "never"}}
        ),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": M},
    ),
    Case(
        "pairs with a label of their own: KTO would take it for its own",
        rows(lambda n: {"prompt": question(n), "chosen": " yes", "rejected": " no", "label": "helpful"}),
        {"sft": M, "dpo": R, "kto": M, "reward": R, "grpo": R},
        {"SET203"},
    ),
    Case(
        "answers alone, no prompt anywhere",
        rows(lambda n: {"chosen": [bot("yes")], "rejected": [bot("no")]}),
        {"sft": M},
        {"SET204"},
    ),
]

KTO_CASES = [
    Case(
        "unpaired preference",
        rows(lambda n: {"prompt": question(n), "completion": " yes", "label": n % 2 == 0}),
        {"sft": M, "kto": R, "grpo": R},
        {"SET208"},
    ),
    Case(
        "labels 0 and 1",
        rows(lambda n: {"prompt": question(n), "completion": " yes", "label": n % 2}),
        {"sft": M, "kto": R, "grpo": R},
    ),
    Case(
        "labels as words",
        rows(lambda n: {"prompt": question(n), "completion": " yes", "label": "good" if n % 2 else "bad"}),
        {"sft": M, "kto": M, "grpo": R},
        {"SET207"},
    ),
    Case(
        "labels 1 and -1: TRL takes both for desirable",
        rows(lambda n: {"prompt": question(n), "completion": " yes", "label": 1 if n % 2 else -1}),
        {"sft": M, "kto": M, "grpo": R},
        {"SET207"},
    ),
    Case(
        "ratings from 1 to 5: which are good is not ours to say",
        rows(lambda n: {"prompt": question(n), "completion": " yes", "label": n % 5 + 1}),
        {"sft": R, "kto": U, "grpo": R},
        {"SET207"},
    ),
    Case(
        "one class only",
        rows(lambda n: {"prompt": question(n), "completion": " yes", "label": True}),
        {"sft": R, "kto": X, "grpo": R},
        {"SET304"},
    ),
    Case(
        "one null label",
        with_row(
            rows(lambda n: {"prompt": question(n), "completion": " yes", "label": n % 2 == 0}),
            3,
            {"prompt": "a b c", "completion": "d", "label": None},
        ),
        {"sft": M, "kto": M, "grpo": R},
        {"SET214"},
    ),
    Case(
        "thumbs under another name",
        rows(lambda n: {"question": question(n), "answer": "yes", "thumbs_up": n % 2 == 0}),
        {"sft": M, "kto": M, "grpo": M},
    ),
]

GRPO_CASES = [
    Case("prompts as strings", rows(lambda n: {"prompt": question(n)}), {"grpo": R}),
    Case(
        "prompts as messages with an answer",
        rows(lambda n: {"prompt": [user(question(n))], "answer": str(n)}),
        {"sft": M, "grpo": R},
    ),
    Case("prompts that hold the answer", rows(lambda n: {"prompt": chat(n)}), {"grpo": M}, {"SET213"}),
    Case("prompts that end with a system turn", rows(lambda n: {"prompt": [user("hi"), system("be kind")]}), {}, {"SET212"}),
    Case(
        "a column that collides with TRL's argument",
        rows(lambda n: {"prompt": question(n), "completions": "x"}),
        {"grpo": M},
        {"SET209"},
    ),
    Case(
        "mixed kinds in one column",
        with_row(rows(lambda n: {"prompt": question(n)}), 4, {"prompt": [user("hello")]}),
        {},
        {"SET305", "SET217"},
    ),
]

TARGET_CASES = [
    Case(
        "article and highlights (CNN/DailyMail)",
        rows(lambda n: {"article": question(n), "highlights": f"n{n}"}),
        {"sft": M, "grpo": M},
    ),
    Case(
        "document and summary (XSum)",
        rows(lambda n: {"document": question(n), "summary": f"n{n}", "id": str(n)}),
        {"sft": M, "grpo": M},
    ),
    Case(
        "text and summary: TRL learns the text alone",
        rows(lambda n: {"text": question(n), "summary": f"n{n}!"}),
        {"sft": M, "grpo": M},
        {"SET219"},
    ),
    Case(
        "text that holds its answer already (alpaca with text)",
        rows(lambda n: {"text": f"{question(n)}\nit means {n}", "output": f"it means {n}"}),
        {"sft": R},
        absent={"SET219"},
    ),
    Case(
        "text and a class: no answer is ignored",
        rows(lambda n: {"text": question(n), "target": n % 2}),
        {"sft": R},
        absent={"SET219"},
    ),
    Case(
        "reasoning beside question and answer",
        rows(lambda n: {"question": question(n), "reasoning": f"because of {n}", "answer": str(n)}),
        {"sft": M, "grpo": M},
    ),
    Case(
        "a system column that is empty in some rows",
        rows(lambda n: {"system": "be kind" if n % 2 else "", "question": question(n), "response": f"it means {n}"}),
        {"sft": M, "grpo": M},
    ),
    Case(
        "conversations of which some end with the user",
        rows(lambda n: {"messages": chat(n) if n % 2 else [*chat(n), user("and then")]}),
        {"sft": R, "grpo": M},
        {"SET302"},
    ),
]

HOPELESS_CASES = [
    Case("no assistant turn in any row", rows(lambda n: {"messages": [user(question(n))]}), {"grpo": M}, {"SET302"}),
    Case("completions with nothing in them", rows(lambda n: {"prompt": question(n), "completion": ""}), {"grpo": R}, {"SET301"}),
    Case(
        "chosen equals rejected in every row",
        rows(lambda n: {"prompt": question(n), "chosen": " yes", "rejected": " yes"}),
        {"sft": M, "grpo": R},
        {"SET303"},
    ),
    Case(
        "chosen equals rejected in every row, before a mapping",
        rows(lambda n: {"question": question(n), "chosen": "yes", "rejected": "yes"}),
        {"sft": M, "grpo": M},
        {"SET303"},
    ),
    Case(
        "one class only, in words",
        rows(lambda n: {"prompt": question(n), "completion": f" yes {n}", "label": "good"}),
        {"sft": R, "grpo": R},
        {"SET304"},
        {"SET307"},
    ),
    Case(
        "the same conversation over and over",
        rows(lambda n: {"id": n, "messages": chat(1)}),
        {"sft": R, "grpo": M},
        {"SET307"},
    ),
]

# What nobody can tell from the names: never "unfit", and never "fine".
NAMELESS_CASES = [
    Case(
        "texts under names nobody knows",
        rows(lambda n: {"user_query": question(n), "bot_reply": f"it means {n}"}),
        dict.fromkeys(("sft", "dpo", "grpo", "kto", "reward"), U),
    ),
    Case(
        "texts inside a struct",
        rows(lambda n: {"data": {"q": question(n), "a": f"it means {n}"}}),
        dict.fromkeys(("sft", "dpo", "grpo", "kto", "reward"), U),
    ),
    Case(
        "answers inside a struct (SQuAD)",
        rows(lambda n: {"context": "all of it", "question": question(n), "answers": {"text": [f"n{n}"], "answer_start": [n]}}),
        {"sft": U, "grpo": M},
    ),
    Case(
        "two responses and a winner",
        rows(
            lambda n: {
                "question": question(n),
                "response_a": f"it means {n}",
                "response_b": f"ask {n} again",
                "winner": "ab"[n % 2],
            }
        ),
        {"sft": U, "dpo": U, "grpo": M, "kto": U, "reward": U},
    ),
    Case("turns as JSON in a string", rows(lambda n: {"messages": json.dumps(chat(n))}), {"sft": U, "grpo": U}),
    Case(
        "known names over a mix of kinds: another name would not help",
        rows(lambda n: {"prompt": n if n % 2 else question(n), "completion": [question(n)] if n % 2 else f"it means {n}"}),
        {},
        {"SET305", "SET217"},
    ),
    Case(
        "ids, links and categories are no answers",
        rows(lambda n: {"id": f"a{n}", "url": f"https://a.b/c d/{n}", "kind": "some words", "at": n}),
        {},
    ),
]

CASES = [*SFT_CASES, *PREFERENCE_CASES, *KTO_CASES, *GRPO_CASES, *TARGET_CASES, *HOPELESS_CASES, *NAMELESS_CASES]
METHODS = ("sft", "dpo", "grpo", "kto", "reward")
