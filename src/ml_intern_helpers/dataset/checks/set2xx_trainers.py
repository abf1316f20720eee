"""SET2xx: what a trainer of TRL stops at or misreads, as `dataset.trainers` reads the rows; one class for each code.

A problem is an error for the method asked for, and a warning when no method is. The docstrings are the documentation.
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
    """One code: `PROBLEMS` are the problems of `dataset.trainers` that it stands for."""

    CODE: str
    TOPIC = TOPIC
    SEVERITY: Severity = "error"
    PROBLEMS: tuple[str, ...]
    #: Problem -> the code that stands for it. What is only a lack of columns has none: the verdict says it already.
    codes: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        cls.CODE = cls.__name__
        TrainerProblem.codes |= dict.fromkeys(cls.PROBLEMS, cls.CODE)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per problem; the same problem of several methods is one finding with their names."""
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
    """A `prompt` beside `messages` or `text`, which makes TRL read prompt and completion.

    A column `prompt` settles how `SFTTrainer` reads the rows, and there is no completion: the run stops. Keep the column that is
    to be learnt, and drop the other.

    Bad:
        {"prompt": "Which metal is liquid?", "text": "Which metal is liquid? Mercury."}

    Good:
        {"text": "Which metal is liquid? Mercury."}
    """

    PROBLEMS = ("stray_prompt",)


class SET202(TrainerProblem):
    """Columns of one row that are text and messages at once.

    TRL asks one of the columns whether the row is a conversation, and which one it asks depends on PYTHONHASHSEED: the run stops,
    or does not, by chance. Make all of them text, or all of them messages.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": [{"role": "assistant", "content": "Mercury."}]}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    """

    PROBLEMS = ("mixed",)


class SET203(TrainerProblem):
    """A column beside those that are trained on, whose name makes TRL misread the row.

    TRL may take the row for plain text because of it, by PYTHONHASHSEED, or overwrite what it makes of pairs with it. Drop or
    rename the column.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "completion": "Hello"}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "note": "Hello"}
    """

    PROBLEMS = ("stray", "luck")


class SET204(TrainerProblem):
    """Pairs without a prompt in them: `chosen` and `rejected` share no beginning.

    Without a column `prompt`, TRL takes for the prompt what both answers begin with; of strings that differ at once it trains on
    an empty prompt without an error. Name the column with the question `prompt`.

    Bad:
        {"question": "Which metal is liquid?", "chosen": "Mercury.", "rejected": "Iron."}

    Good:
        {"prompt": "Which metal is liquid?", "chosen": "Mercury.", "rejected": "Iron."}
    """

    PROBLEMS = ("no_prompt",)


class SET205(TrainerProblem):
    """Answers that begin with the prompt, which TRL puts in front of them once more.

    Take the prompt off the answers, or drop the column `prompt`.

    Bad:
        {"prompt": "Is iron liquid?", "chosen": "Is iron liquid? No.", "rejected": "Is iron liquid? Yes."}

    Good:
        {"prompt": "Is iron liquid?", "chosen": "No.", "rejected": "Yes."}
    """

    PROBLEMS = ("repeated_prompt",)


class SET206(TrainerProblem):
    """Turns whose role chat templates do not know.

    Templates drop such turns without an error, or refuse them. Rename the roles to `system`, `user`, `assistant` and `tool`.

    Bad:
        {"messages": [{"role": "human", "content": "Hi"}, {"role": "gpt", "content": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("role",)


class SET207(TrainerProblem):
    """Labels that are not true or false.

    `KTOTrainer` stops at text, and takes every number but 0 for desirable. Map the labels to true and false.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": "Mercury.", "label": "good"}
        {"prompt": "Which metal is liquid?", "completion": "Iron.", "label": "bad"}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury.", "label": true}
        {"prompt": "Which metal is liquid?", "completion": "Iron.", "label": false}
    """

    PROBLEMS = ("label",)


class SET208(TrainerProblem):
    """Labels that SFT does not look at: it would learn the undesirable answers, too.

    Keep the desirable rows alone, or train with KTO.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": "Mercury.", "label": true}
        {"prompt": "Which metal is liquid?", "completion": "Iron.", "label": false}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    """

    PROBLEMS = ("label_ignored",)


class SET209(TrainerProblem):
    """A column with the name of an argument that GRPO passes to reward functions itself.

    The call of the reward function fails. Rename the column.

    Bad:
        {"prompt": "Which metal is liquid?", "completions": "Mercury."}

    Good:
        {"prompt": "Which metal is liquid?", "solution": "Mercury."}
    """

    PROBLEMS = ("taken",)


class SET210(TrainerProblem):
    """A column `tools` whose text is not JSON.

    TRL parses the text of `tools` as a JSON list. Write the list of tools, or its JSON.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "tools": "weather, time"}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "tools": "[]"}
    """

    PROBLEMS = ("tools",)


class SET211(TrainerProblem):
    """Images that have no place in the text, or that the trainer does not look at.

    A string holds no place for an image: prompts must be messages. `RewardTrainer` looks at no images at all.

    Bad:
        {"prompt": "What is this?", "completion": "A cat.", "images": ["photos/1.jpg"]}

    Good:
        {"prompt": "What is a cat?", "completion": "An animal."}
    """

    PROBLEMS = ("images",)


class SET212(TrainerProblem):
    """A prompt for GRPO that ends with a system turn.

    TRL opens the assistant's turn behind it, and the model would answer nobody's question. Add the user's turn.

    Bad:
        {"prompt": [{"role": "system", "content": "Be brief."}]}

    Good:
        {"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which metal is liquid?"}]}
    """

    PROBLEMS = ("system_last",)


class SET213(TrainerProblem):
    """A prompt for GRPO that ends with the assistant's turn.

    The answer is there already, and the model would speak after it. Take the last turn off.

    Bad:
        {"prompt": [{"role": "user", "content": "Which metal is liquid?"}, {"role": "assistant", "content": "Mercury."}]}

    Good:
        {"prompt": [{"role": "user", "content": "Which metal is liquid?"}]}
    """

    PROBLEMS = ("answered",)


class SET214(TrainerProblem):
    """Nulls that the trainer stops at.

    Drop the rows. Nulls that no trainer stops at are SET308.

    Bad:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
        {"prompt": "Which metal conducts best?", "completion": null}

    Good:
        {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    """

    PROBLEMS = ("null",)
    #: A full scan counts all nulls, whoever stops at them.
    COUNTED_AS = "SET308"


class SET215(TrainerProblem):
    """Conversations that are an empty list.

    Drop the rows.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        {"messages": []}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("empty",)


class SET216(TrainerProblem):
    """Turns whose content is null and that call no tool.

    Chat templates stop at them, or write `None`. Drop the rows, or fill the turns.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("content",)


class SET217(TrainerProblem):
    """Cells of another kind than the trainer reads: a number where a text must be, a text where messages must be.

    Convert the cells, or drop the rows.

    Bad:
        {"prompt": "What is 2 + 2?", "completion": 4}

    Good:
        {"prompt": "What is 2 + 2?", "completion": "4"}
    """

    PROBLEMS = ("kind",)


class SET218(TrainerProblem):
    """Turns without `role` and `content`.

    They carry speaker and words under other keys (`from` and `value`), which the trainer does not read. Rename the keys.

    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        {"messages": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("keys",)


class SET219(TrainerProblem):
    """An answer or a class beside `text`, which the text does not hold.

    `SFTTrainer` learns `text` alone and never looks at the other column. Make prompt and completion of the two.

    Bad:
        {"text": "Mercury is a metal that is liquid at room temperature.", "summary": "One metal flows."}

    Good:
        {"prompt": "Mercury is a metal that is liquid at room temperature.", "completion": "One metal flows."}
    """

    PROBLEMS = ("target_ignored",)


class SET220(TrainerProblem):
    r"""Messages that are written down as JSON text.

    TRL would train on the JSON itself. Parse the column (`json.loads`).

    Bad:
        {"prompt": "[{\"role\": \"user\", \"content\": \"Hi\"}]", "completion": "Hello"}

    Good:
        {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("json",)


class SET221(TrainerProblem):
    """Contents in blocks, without images.

    The chat template of a text model takes strings. Join the texts of the blocks.

    Bad:
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("blocks",)


class SET222(TrainerProblem):
    """Tool calls whose arguments are JSON text.

    A chat template that writes the arguments as JSON quotes them twice, and the model learns that. Parse the arguments.

    Bad:
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "clock", "arguments": "{}"}}]}]}

    Good:
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "clock", "arguments": {"zone": "UTC"}}}]}]}
    """

    PROBLEMS = ("arguments",)


class SET223(TrainerProblem):
    """A column of system prompts that no trainer looks at.

    TRL reads system prompts from the messages alone. Put the prompt in front of the conversation as a system turn.

    Bad:
        {"system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}

    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    """

    PROBLEMS = ("system_ignored",)


class SET224(TrainerProblem):
    """Rows that are single turns of a conversation (OpenAssistant).

    TRL would learn each turn by itself, whoever said it. Build the conversations first.

    Bad:
        {"message_id": "1", "parent_id": null, "role": "prompter", "text": "Which metal is liquid?"}
        {"message_id": "2", "parent_id": "1", "role": "assistant", "text": "Mercury."}

    Good:
        {"messages": [{"role": "user", "content": "Which metal is liquid?"}, {"role": "assistant", "content": "Mercury."}]}
    """

    PROBLEMS = ("single_turns",)


class SET225(TrainerProblem):
    """Functions called in OpenAI's old form, `function_call`.

    Chat templates leave the calls out. Write them as `tool_calls`.

    Bad:
        {"messages": [{"role": "assistant", "content": "", "function_call": {"name": "clock"}}]}

    Good:
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "clock", "arguments": {"zone": "UTC"}}}]}]}
    """

    PROBLEMS = ("function_call",)
