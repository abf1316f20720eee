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
        form: a format that must be named, or None.
        best: the methods recommended, in order, or None where it does not matter.
    """

    name: str
    rows: list[Row]
    truth: dict[str, str]
    found: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    form: str | None = None
    best: list[str] | None = None


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
        {"sft": M, "dpo": R, "kto": R, "reward": R, "grpo": M},
        form="transcript",
        best=["dpo", "reward", "kto", "sft"],
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

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def calling(number: int, more: bool = False) -> list[Row]:
    """A conversation with a call as OpenAI writes it; `more`: every other row has another argument."""
    arguments = json.dumps({"city": "Paris"} if more and number % 2 else {"x": number})
    call = {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": arguments}}
    turns = [user(question(number)), {"role": "assistant", "content": None, "tool_calls": [call]}]
    return [*turns, {"role": "tool", "tool_call_id": f"c{number}", "content": "1"}, bot("one")]


def calling_in_the_old_way(number: int, content: str | None = None) -> list[Row]:
    """A conversation with a call as OpenAI wrote it in 2023."""
    call = {"name": "f", "arguments": json.dumps({"city": "Paris"} if number % 2 else {"x": number})}
    turns = [user(question(number)), {"role": "assistant", "content": content, "function_call": call}]
    return [*turns, {"role": "function", "name": "f", "content": "1"}, bot(f"one and {number}")]


def gemini(number: int) -> list[Row]:
    said = [("user", [question(number)]), ("model", [f"it means {number}", " and more"])]
    return [{"role": role, "parts": [{"text": text} for text in texts]} for role, texts in said]


def answered(number: int) -> Row:
    return {
        "id": "x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": f"it means {number}", "refusal": None}}],
    }


FUNCTIONS = [
    {"name": "f", "description": "what f does", "parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}
]


def blocks(text: str) -> list[Row]:
    return [{"type": "text", "text": text}]


PAIRS_MAPPED = {"sft": M, "dpo": M, "grpo": M, "kto": M, "reward": M}

# What chat APIs take and give.
API_CASES = [
    Case(
        "calls in OpenAI's old form",
        rows(lambda n: {"messages": calling_in_the_old_way(n), "functions": FUNCTIONS}),
        {"sft": M, "grpo": M},
        {"SET216"},
        form="messages-with-function-calls",
        best=["sft"],
    ),
    Case(
        "calls in OpenAI's old form with empty words: TRL trains on without the calls",
        rows(lambda n: {"messages": calling_in_the_old_way(n, "")}),
        {"sft": M, "grpo": M},
        {"SET225"},
        {"SET301"},
        form="messages-with-function-calls",
    ),
    Case(
        "Google's contents and parts",
        rows(lambda n: {"contents": gemini(n)}),
        {"sft": M, "grpo": M},
        form="gemini",
        best=["sft"],
    ),
    Case(
        "Google's contents with a system instruction, missing in some rows",
        rows(
            lambda n: {
                "systemInstruction": {"role": "system", "parts": [{"text": "be kind"}]} if n % 2 else None,
                "contents": gemini(n),
            }
        ),
        {"sft": M, "grpo": M},
        form="gemini",
    ),
    Case(
        "a log with requests and responses",
        rows(lambda n: {"request": {"model": "m", "messages": chat(n)[:1]}, "response": answered(n), "ms": n}),
        {"sft": M, "grpo": M},
        form="api-log",
        best=["sft"],
    ),
    Case(
        "requests of a batch",
        rows(lambda n: {"custom_id": str(n), "method": "POST", "body": {"model": "m", "messages": chat(n)[:1]}}),
        {"grpo": M},
        form="api-requests",
        best=["grpo"],
    ),
    Case(
        "responses of a batch: the questions are in another file",
        rows(lambda n: {"custom_id": str(n), "response": {"status_code": 200, "body": answered(n)}, "error": None}),
        {"sft": U, "dpo": U, "grpo": U, "kto": U, "reward": U},
        form="api-responses",
        best=[],
    ),
    Case(
        "a conversation inside a struct",
        rows(lambda n: {"id": n, "conversation": {"meta": {"from": "web"}, "turns": chat(n)}}),
        {"sft": M, "grpo": M},
        form="nested-messages",
        best=["sft"],
    ),
    Case(
        "several conversations in each row",
        rows(lambda n: {"dialogs": [chat(n), chat(n + 100)]}),
        {"sft": U, "dpo": U, "grpo": U, "kto": U, "reward": U},
        form="conversations-in-lists",
        best=[],
    ),
]

# Shapes that take more than another name for a column.
QUESTION_CASES = [
    Case(
        "answers inside a struct (SQuAD)",
        rows(lambda n: {"context": "all of it", "question": question(n), "answers": {"text": [f"n{n}"], "answer_start": [n]}}),
        {"sft": M, "grpo": M},
        form="nested-answers",
        best=["sft", "grpo"],
    ),
    Case(
        "questions without an answer among them (SQuAD 2)",
        rows(
            lambda n: {
                "context": "all of it",
                "question": question(n),
                "answers": {"text": [f"n{n}", "or so"] if n % 3 else [], "answer_start": [n, n] if n % 3 else []},
            }
        ),
        {"sft": M, "grpo": M},
        form="nested-answers",
    ),
    Case(
        "an answer and its aliases (TriviaQA)",
        rows(lambda n: {"question": question(n), "answer": {"value": f"n{n}", "aliases": [f"n{n}", f"N{n}"]}}),
        {"sft": M, "grpo": M},
        form="nested-answers",
    ),
    Case(
        "a list of accepted answers",
        rows(lambda n: {"question": question(n), "answers": [f"n{n}", f"N{n}"]}),
        {"sft": M, "grpo": M},
        form="nested-answers",
    ),
    Case(
        "multiple choice with an index (MMLU)",
        rows(lambda n: {"question": question(n), "subject": "maths", "choices": ["a", "b", "c", "d"], "answer": n % 4}),
        {"sft": M, "grpo": M},
        form="multiple-choice",
        best=["sft", "grpo"],
    ),
    Case(
        "multiple choice with labels (ARC)",
        rows(
            lambda n: {
                "id": str(n),
                "question": question(n),
                "choices": {"text": ["one", "two"], "label": ["A", "B"]},
                "answerKey": "AB"[n % 2],
            }
        ),
        {"sft": M, "grpo": M},
        form="multiple-choice",
    ),
    Case(
        "multiple choice with an index in a string (HellaSwag)",
        rows(lambda n: {"ctx": question(n), "endings": ["one", "two", "three"], "label": str(n % 3)}),
        {"sft": M, "grpo": M},
        form="multiple-choice",
    ),
    Case(
        "multiple choice with the answer in words, and a row without one",
        with_row(
            rows(lambda n: {"question": question(n), "options": [f"n{n}", "none"], "answer": f"n{n}"}),
            6,
            {"question": "what is it", "options": ["a", "b"], "answer": ""},
        ),
        {"sft": M, "grpo": M},
        form="multiple-choice",
    ),
    Case(
        "questions with two possible answers: it is said",
        rows(lambda n: {"problem": question(n), "answer": str(n), "solution": f"because of {n} it is {n}"}),
        {"sft": M, "grpo": M},
        best=["sft", "grpo"],
    ),
    Case(
        "a prompt and the ground truth for rewards (verl)",
        rows(lambda n: {"prompt": [user(question(n))], "reward_model": {"ground_truth": str(n), "style": "rule"}}),
        {"sft": U, "grpo": R},
        best=["grpo"],
    ),
    Case(
        "a translation",
        rows(lambda n: {"translation": {"en": question(n), "fr": f"quel est le sens de {n}"}}),
        {"sft": M, "grpo": M},
        form="translation",
        best=["sft"],
    ),
    Case(
        "a translation with a hole",
        with_row(
            rows(lambda n: {"translation": {"en": question(n), "fr": f"quel est le sens de {n}"}}),
            2,
            {"translation": {"en": "where", "fr": None}},
        ),
        {"sft": M, "grpo": M},
        form="translation",
    ),
]

WRITTEN_CASES = [
    Case(
        "messages as JSON in a string",
        rows(lambda n: {"messages": json.dumps(chat(n))}),
        {"sft": M, "grpo": M},
        best=["sft"],
    ),
    Case(
        "sharegpt as JSON in a string",
        rows(lambda n: {"id": n, "conversations": json.dumps(sharegpt(n))}),
        {"sft": M, "grpo": M},
    ),
    Case(
        "pairs as JSON in strings: TRL would train on the JSON",
        rows(lambda n: {"chosen": json.dumps(chat(n)), "rejected": json.dumps(worse(n))}),
        PAIRS_MAPPED,
        {"SET220"},
        best=["dpo", "reward", "kto", "sft"],
    ),
    Case(
        "a prompt as JSON in a string: TRL would train on the JSON",
        rows(lambda n: {"prompt": json.dumps(chat(n)[:1]), "answer": str(n)}),
        {"sft": M, "grpo": M},
        {"SET220"},
    ),
    Case(
        "JSON in strings, and one row without",
        with_row(rows(lambda n: {"messages": json.dumps(chat(n))}), 4, {"messages": None}),
        {"sft": M, "grpo": M},
    ),
    Case(
        "tool calls with arguments as JSON text (OpenAI)",
        rows(lambda n: {"messages": calling(n), "tools": TOOLS, "parallel_tool_calls": False}),
        {"sft": M, "grpo": M},
        {"SET222"},
    ),
    Case(
        "tool calls in which every function has its own arguments (OpenAI)",
        rows(lambda n: {"messages": calling(n, more=True)}),
        {"sft": M, "grpo": M},
        {"SET222"},
    ),
    Case(
        "pairs as OpenAI takes them",
        rows(
            lambda n: {
                "input": {"messages": [user(question(n))], "tools": [], "parallel_tool_calls": True},
                "preferred_output": [bot("yes")],
                "non_preferred_output": [bot("no")],
            }
        ),
        PAIRS_MAPPED,
        form="openai-preference",
        best=["dpo", "reward", "kto", "sft"],
    ),
    Case(
        "contents in blocks of text (Anthropic)",
        rows(lambda n: {"messages": [{**turn, "content": blocks(turn["content"])} for turn in chat(n)]}),
        {"sft": M, "grpo": M},
        {"SET221"},
    ),
    Case(
        "a system column beside messages (Anthropic)",
        rows(lambda n: {"system": "be kind", "messages": chat(n)}),
        {"sft": M, "grpo": M},
        {"SET223"},
    ),
    Case(
        "a system column beside prompt and pair",
        rows(lambda n: {"system": "be kind", "prompt": question(n), "chosen": " yes", "rejected": " no"}),
        {"sft": M, "dpo": M, "kto": M, "reward": M, "grpo": R},
        {"SET223"},
    ),
    Case(
        "a system column beside messages that have one",
        rows(lambda n: {"system": "be kind", "messages": [system("be kind"), *chat(n)]}),
        {"sft": R, "grpo": M},
        absent={"SET223"},
    ),
    Case(
        "conversations as one text",
        rows(lambda n: {"text": HH.format(question(n), f" it means {n}")}),
        {"sft": R, "grpo": M},
        form="transcript",
        best=["sft"],
    ),
    Case(
        "a prompt as Anthropic writes it",
        rows(lambda n: {"prompt": HH.format(question(n), ""), "completion": " yes"}),
        {"sft": R, "grpo": R},
        form="transcript",
    ),
]

PAIR_CASES = [
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
        PAIRS_MAPPED,
        form="two-answers",
        best=["dpo", "reward", "kto", "sft"],
    ),
    Case(
        "two conversations, a winner and ties (arena)",
        rows(
            lambda n: {
                "conversation_a": chat(n),
                "conversation_b": worse(n),
                "winner": ("model_a", "model_b", "tie", "tie (bothbad)")[n % 4],
            },
            12,
        ),
        PAIRS_MAPPED,
        form="two-answers",
    ),
    Case(
        "two responses and the number of the better (PKU-SafeRLHF)",
        rows(
            lambda n: {
                "prompt": question(n),
                "response_0": f"it means {n}",
                "response_1": f"ask {n}",
                "better_response_id": n % 2,
            }
        ),
        {**PAIRS_MAPPED, "grpo": R},
        form="two-answers",
    ),
    Case(
        "two responses and a preference from -3 to 3: which is which is not ours to say",
        rows(
            lambda n: {
                "prompt": question(n),
                "response1": f"it means {n}",
                "response2": f"ask {n}",
                "overall_preference": n % 7 - 3,
            }
        ),
        {"sft": U, "dpo": U, "kto": U, "reward": U, "grpo": R},
        form="two-answers",
    ),
    Case(
        "scored completions (UltraFeedback as it was collected)",
        rows(
            lambda n: {
                "instruction": question(n),
                "completions": [
                    {"model": "x", "response": f"it means {n}", "overall_score": 8.5, "fine-grained_score": 4.0},
                    {"model": "y", "response": f"ask {n}", "overall_score": 3.0, "fine-grained_score": 2.0},
                    {"model": "z", "response": f"who knows {n}", "overall_score": 5.0, "fine-grained_score": 3.0},
                ],
            }
        ),
        PAIRS_MAPPED,
        form="ranked-answers",
        best=["dpo", "reward", "kto", "sft"],
    ),
    Case(
        "scored completions of which some are equal or not scored",
        rows(
            lambda n: {
                "prompt": question(n),
                "responses": [{"text": f"it means {n}", "score": 5}, {"text": f"ask {n}", "score": (1, None, 5, 2)[n % 4]}],
            }
        ),
        {**PAIRS_MAPPED, "grpo": R},
        form="ranked-answers",
    ),
    Case(
        "ranked answers (Nectar): rank 1 is the best",
        rows(
            lambda n: {"prompt": question(n), "answers": [{"answer": f"ask {n}", "rank": 2}, {"answer": f"it is {n}", "rank": 1}]}
        ),
        {**PAIRS_MAPPED, "grpo": R},
        form="ranked-answers",
    ),
    Case(
        "responses and scores side by side",
        rows(lambda n: {"prompt": question(n), "responses": [f"it means {n}", f"ask {n}"], "scores": [0.9, 0.1]}),
        {**PAIRS_MAPPED, "grpo": R},
        form="ranked-answers",
    ),
]

RATED_CASES = [
    Case(
        "an answer per row with ratings (HelpSteer): pairs are to be made across rows",
        rows(lambda n: {"prompt": question(n // 2), "response": f"it means {n}", "helpfulness": n % 5, "verbosity": n % 3}, 10),
        {"sft": M, "dpo": U, "grpo": R, "kto": U, "reward": U},
        best=["sft"],
    ),
    Case(
        "rated answers to different prompts",
        rows(lambda n: {"question": question(n), "answer": f"it means {n}", "stars": n % 5 + 1}),
        {"sft": M, "grpo": M, "kto": U},
    ),
]

# What these methods are not for, and what no mapping of single rows can make.
OTHER_CASES = [
    Case(
        "one turn of a tree per row (OpenAssistant)",
        rows(
            lambda n: {
                "message_id": f"m{n}",
                "parent_id": f"m{n - 1}" if n % 2 else None,
                "role": ("prompter", "assistant")[n % 2],
                "text": question(n),
            }
        ),
        {},
        {"SET224"},
        form="conversation-tree",
        best=[],
    ),
    Case(
        "one turn of a conversation per row",
        rows(lambda n: {"conversation_id": f"c{n // 2}", "role": ("user", "assistant")[n % 2], "content": question(n)}),
        {},
        form="turn-per-row",
        best=[],
    ),
    Case(
        "texts and numbered classes (IMDb)",
        rows(lambda n: {"text": question(n), "label": n % 2}),
        {"sft": R},
        absent={"SET219"},
        form="classification",
        best=["sft"],
    ),
    Case(
        "texts and classes in words: TRL would ignore the class",
        rows(lambda n: {"text": question(n), "label": ("good", "bad")[n % 2]}),
        {"sft": M, "grpo": M},
        {"SET219"},
        form="classification",
    ),
    Case(
        "sentences and classes in words",
        rows(lambda n: {"sentence": question(n), "label": ("good", "bad")[n % 2]}),
        {"sft": M, "grpo": M},
        form="classification",
    ),
    Case(
        "words and tags (CoNLL)",
        rows(lambda n: {"tokens": ["the", "meaning", str(n)], "ner_tags": [0, 0, 1]}),
        {},
        form="token-classification",
        best=[],
    ),
]

PICTURE = {"bytes": None, "path": "picture.png"}
# The runner puts a real picture in place of each and trains a tiny vision-language model.
IMAGE_CASES = [
    Case("images beside messages", rows(lambda n: {"images": [PICTURE], "messages": chat(n)}), {"sft": R, "grpo": M}, {"SET306"}),
    Case(
        "images beside messages with places for them",
        rows(
            lambda n: {
                "images": [PICTURE],
                "messages": [
                    {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": question(n)}]},
                    {"role": "assistant", "content": blocks("yes")},
                ],
            }
        ),
        {"sft": R, "grpo": M},
        absent={"SET221"},
    ),
    Case(
        "an image, a question and an answer (VQA)",
        rows(lambda n: {"image": PICTURE, "question": question(n), "answer": f"it is {n}"}),
        {"sft": M, "grpo": M},
        best=["sft", "grpo"],
    ),
    Case(
        "an image beside prompt and completion in strings: no place for it",
        rows(lambda n: {"image": PICTURE, "prompt": question(n), "completion": " yes"}),
        {"sft": M, "grpo": M},
        {"SET211"},
    ),
    Case(
        "an image with its caption",
        rows(lambda n: {"image": PICTURE, "text": question(n)}),
        {"sft": M},
        {"SET211"},
        form="image-caption",
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
        "JSON that holds no turns",
        rows(lambda n: {"data": json.dumps({"q": question(n), "a": f"it means {n}"})}),
        {"sft": U, "grpo": U},
    ),
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

CASES = [
    *SFT_CASES,
    *PREFERENCE_CASES,
    *KTO_CASES,
    *GRPO_CASES,
    *TARGET_CASES,
    *HOPELESS_CASES,
    *API_CASES,
    *QUESTION_CASES,
    *WRITTEN_CASES,
    *PAIR_CASES,
    *RATED_CASES,
    *OTHER_CASES,
    *IMAGE_CASES,
    *NAMELESS_CASES,
]
METHODS = ("sft", "dpo", "grpo", "kto", "reward")
