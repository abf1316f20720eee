"""SET2xx: reports rows that a TRL trainer stops at or misreads, as found by `dataset.trainers`; each code is a class.

A problem is an error for the requested method, and a warning when no method was requested. The docstrings of the classes are the
user's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.dataset.trainers.rows import Problem

TOPIC = "trainers"


class TrainerProblem:
    """One code; `PROBLEMS` are the problems of `dataset.trainers` that it covers."""

    CODE: str
    TOPIC = TOPIC
    SEVERITY: Severity = "error"
    PROBLEMS: tuple[str, ...]
    #: Problem -> the code that covers it. Missing columns have no code, since the verdict already reports them.
    codes: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        cls.CODE = cls.__name__
        TrainerProblem.codes |= dict.fromkeys(cls.PROBLEMS, cls.CODE)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per problem; a problem of several methods is one finding that names them all."""
    by_problem: dict[tuple[str, str], tuple[Problem, list[str]]] = {}
    for method in [facts.method] if facts.method else READERS:
        for problem in READERS[method](facts.rows):
            if problem.code in TrainerProblem.codes:
                by_problem.setdefault((problem.code, problem.message), (problem, []))[1].append(method)
    level: Severity = "error" if facts.method else "warning"
    for problem, methods in by_problem.values():
        silent = "; TRL trains on without an error" if problem.silent else ""
        message = f"{problem.message} ({', '.join(methods)}{silent})"
        mapped = [method for method in methods if facts.verdicts[method].mapping]
        fix = f"the mapping shown for {mapped[0]}" if mapped else None
        at = problem.at or range(len(facts.rows))
        yield finding(facts, TrainerProblem.codes[problem.code], level, message, at, fix=fix, columns=problem.columns)


class SET201(TrainerProblem):
    """A column `prompt` beside `messages` or `text`, which makes TRL expect a completion.

    With a column `prompt`, `SFTTrainer` reads the rows as prompt and completion, and there is no completion: the run stops. Keep
    the column to train on, and drop the other.

    Bad:
        {"prompt": "Which metal is liquid?", "text": "Which metal is liquid? Mercury."}

    Good:
        {"text": "Which metal is liquid? Mercury."}
    """

    PROBLEMS = ("stray_prompt",)


class SET202(TrainerProblem):
    """Columns of which some hold text and others messages.

    TRL checks only one of the columns for a conversation, and which one depends on PYTHONHASHSEED: whether the run stops is a
    matter of chance. Make all of them text, or all of them messages.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": [{"role": "assistant", "content": "Mercury."}]}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    """

    PROBLEMS = ("mixed",)


class SET203(TrainerProblem):
    """An additional column whose name makes TRL misread the row.

    Because of it, TRL may take the row for plain text (depending on PYTHONHASHSEED), or use the column to overwrite what it makes
    of pairs. Drop or rename the column.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "completion": "Hello"}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "note": "Hello"}
    """

    PROBLEMS = ("stray", "luck")


class SET204(TrainerProblem):
    """Pairs without a prompt: there is no column `prompt`, and `chosen` and `rejected` have no common beginning.

    Without a column `prompt`, TRL takes the common beginning of both answers for the prompt. On strings that differ from the
    start it trains with an empty prompt, without an error. Rename the column with the question to `prompt`.

    Bad:
        {"question": "Which metal is liquid?", "chosen": "Mercury.", "rejected": "Iron."}

    Good:
        {"prompt": "Which metal is liquid?", "chosen": "Mercury.", "rejected": "Iron."}
    """

    PROBLEMS = ("no_prompt",)


class SET205(TrainerProblem):
    """Answers that begin with the prompt, although TRL adds the prompt itself.

    The model would see the prompt twice. Remove it from the answers, or drop the column `prompt`.

    Bad:
        {"prompt": "Is iron liquid?", "chosen": "Is iron liquid? No.", "rejected": "Is iron liquid? Yes."}

    Good:
        {"prompt": "Is iron liquid?", "chosen": "No.", "rejected": "Yes."}
    """

    PROBLEMS = ("repeated_prompt",)


class SET206(TrainerProblem):
    """Turns with a role that chat templates do not know.

    Templates drop such turns without an error, or reject them. Rename the roles to `system`, `user`, `assistant` and `tool`.

    Bad:
        {"messages": [{"role": "human", "content": "Hi"}, {"role": "gpt", "content": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("role",)


class SET207(TrainerProblem):
    """Labels that are not true or false.

    `KTOTrainer` stops at text, and treats every number except 0 as desirable. Map the labels to true and false.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": "Mercury.", "label": "good"}
        {"prompt": "Which metal is liquid?", "completion": "Iron.", "label": "bad"}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury.", "label": true}
        {"prompt": "Which metal is liquid?", "completion": "Iron.", "label": false}
    """

    PROBLEMS = ("label",)


class SET208(TrainerProblem):
    """Labels that SFT ignores: it would also learn the undesirable answers.

    Keep only the desirable rows, or train with KTO.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": "Mercury.", "label": true}
        {"prompt": "Which metal is liquid?", "completion": "Iron.", "label": false}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    """

    PROBLEMS = ("label_ignored",)


class SET209(TrainerProblem):
    """A column named like an argument that GRPO itself passes to reward functions.

    The call of the reward function fails, because it gets the argument twice. Rename the column.

    Bad:
        {"prompt": "Which metal is liquid?", "completions": "Mercury."}

    Good:
        {"prompt": "Which metal is liquid?", "solution": "Mercury."}
    """

    PROBLEMS = ("taken",)


class SET210(TrainerProblem):
    """A column `tools` whose text is not JSON.

    TRL parses the text of `tools` as a JSON list. Use a list of tools, or its JSON.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "tools": "weather, time"}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "tools": "[]"}
    """

    PROBLEMS = ("tools",)


class SET211(TrainerProblem):
    """Images with a plain-text prompt, or for a trainer that ignores images.

    Images need prompts in the form of messages, since a string has no place for them. `RewardTrainer` ignores all images.

    Bad:
        {"prompt": "What is this?", "completion": "A cat.", "images": ["photos/1.jpg"]}

    Good:
        {"prompt": "What is a cat?", "completion": "An animal."}
    """

    PROBLEMS = ("images",)


class SET212(TrainerProblem):
    """A prompt for GRPO that ends with a system turn.

    TRL starts the assistant's turn right after it, so the model would answer without a question. Add the user's turn.

    Bad:
        {"prompt": [{"role": "system", "content": "Be brief."}]}

    Good:
        {"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which metal is liquid?"}]}
    """

    PROBLEMS = ("system_last",)


class SET213(TrainerProblem):
    """A prompt for GRPO that ends with the assistant's turn.

    The prompt already contains the answer, and the model would continue after it. Remove the last turn.

    Bad:
        {"prompt": [{"role": "user", "content": "Which metal is liquid?"}, {"role": "assistant", "content": "Mercury."}]}

    Good:
        {"prompt": [{"role": "user", "content": "Which metal is liquid?"}]}
    """

    PROBLEMS = ("answered",)


class SET214(TrainerProblem):
    """Nulls that make the trainer stop.

    Drop the rows. Nulls that stop no trainer are SET308.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
        {"prompt": "Which metal conducts best?", "completion": null}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    """

    PROBLEMS = ("null",)
    #: A full scan counts all nulls under this code, whether or not a trainer stops at them.
    COUNTED_AS = "SET308"


class SET215(TrainerProblem):
    """Conversations without any turn (an empty list).

    Drop the rows.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        {"messages": []}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("empty",)


class SET216(TrainerProblem):
    """Turns without content (null) that call no tool.

    Chat templates stop at them, or write `None`. Drop the rows, or fill in the content.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("content",)


class SET217(TrainerProblem):
    """Cells of a kind that the trainer does not accept: a number instead of a text, or a text instead of messages.

    Convert the cells, or drop the rows.

    Bad:
        {"prompt": "What is 2 + 2?", "completion": 4}

    Good:
        {"prompt": "What is 2 + 2?", "completion": "4"}
    """

    PROBLEMS = ("kind",)


class SET218(TrainerProblem):
    """Turns without `role` and `content`.

    They hold speaker and content under other keys (`from` and `value`), which the trainer does not read. Rename the keys.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        {"messages": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("keys",)


class SET219(TrainerProblem):
    """An answer or a class in a column beside `text` that the text does not contain.

    `SFTTrainer` trains on `text` alone and ignores the other column. Turn the two into prompt and completion.

    Bad:
        {"text": "Mercury is a metal that is liquid at room temperature.", "summary": "One metal flows."}

    Good:
        {"prompt": "Mercury is a metal that is liquid at room temperature.", "completion": "One metal flows."}
    """

    PROBLEMS = ("target_ignored",)


class SET220(TrainerProblem):
    r"""Messages stored as JSON text.

    TRL would train on the JSON itself. Parse the column (`json.loads`).

    Bad:
        {"prompt": "[{\"role\": \"user\", \"content\": \"Hi\"}]", "completion": "Hello"}

    Good:
        {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("json",)


class SET221(TrainerProblem):
    """Turns whose content is a list of blocks, without images.

    The chat template of a text model expects strings. Join the texts of the blocks.

    Bad:
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("blocks",)


class SET222(TrainerProblem):
    """Tool calls whose arguments are JSON text.

    A chat template that writes arguments as JSON would encode them twice, and the model learns that. Parse the arguments.

    Bad:
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "clock", "arguments": "{}"}}]}]}

    Good:
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "clock", "arguments": {"zone": "UTC"}}}]}]}
    """

    PROBLEMS = ("arguments",)


class SET223(TrainerProblem):
    """A column of system prompts, which every trainer ignores.

    TRL reads system prompts only from the messages. Add the prompt as the first turn of the conversation, with the role `system`.

    Bad:
        {"system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("system_ignored",)


class SET224(TrainerProblem):
    """Rows that are single turns of a conversation (OpenAssistant).

    TRL would train on each turn separately, regardless of its speaker. Build the conversations first.

    Bad:
        {"message_id": "1", "parent_id": null, "role": "prompter", "text": "Which metal is liquid?"}
        {"message_id": "2", "parent_id": "1", "role": "assistant", "text": "Mercury."}

    Good:
        {"messages": [{"role": "user", "content": "Which metal is liquid?"}, {"role": "assistant", "content": "Mercury."}]}
    """

    PROBLEMS = ("single_turns",)


class SET225(TrainerProblem):
    """Function calls in OpenAI's deprecated form, `function_call`.

    Chat templates omit these calls. Write them as `tool_calls`.

    Bad:
        {"messages": [{"role": "assistant", "content": "", "function_call": {"name": "clock"}}]}

    Good:
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "clock", "arguments": {"zone": "UTC"}}}]}]}
    """

    PROBLEMS = ("function_call",)
