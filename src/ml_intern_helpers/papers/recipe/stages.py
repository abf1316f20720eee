"""Which part of training a value belongs to: what the words around it say, the heading above it, or the sentence before.

A paper that runs SFT and then DPO states every setting twice. What does not say its stage has none: better none than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NAMES: dict[str, str] = {
    "pre-training": r"pre-?train(?:ing)?\b|pre-?trained (?=for|with|on|using)",
    "mid-training": r"mid-?train(?:ing|ed)?\b|annealing (?:stage|phase)\b",
    "SFT": r"SFT\b|supervised fine-?tun\w+|instruction[- ]tun(?:ing|e|ed)\b",
    "reward model": r"(?:train\w*|learn\w*|fit\w*|for) (?:\w+ ){0,3}?(?:reward models?\b|RMs?\b)"
    r"|(?:reward model(?:l?ing|s)?|RMs?) (?:training\b|(?:is|are|was|were) (?:all )?(?:\w+ly )?(?:train|fine-?tun|learn|fit)\w*)"
    r"|reward modell?ing\b",
    **{name: rf"{name}\b" for name in ("KTO", "ORPO", "IPO", "SimPO", "DAPO", "RLOO", "PPO")},
    "DPO": r"DPO\b|direct preference optimi[sz]ation\b",
    "GRPO": r"GRPO\b|group relative policy optimi[sz]ation\b",
    "RL": r"RLHF\b|RLAIF\b|RLVR\b|RL\b|reinforcement learning\b",
    "value model": r"value (?:function|model|network|head)\b|critic\b",
    "distillation": r"distill(?:ation|ing)\b",
    "fine-tuning": r"fine-?tun(?:e|ing|ed)\b(?! (?:models?|checkpoints?|version))",
    "data generation": r"(?:data|dataset) (?:generation|synthesis|construction|augmentation|annotation)\b"
    r"|synthesi[sz](?:e|es|ing)\b|reasoning synthesis\b|annotation\b",
    "rollout": r"roll-?outs?\b",
    "evaluation": r"evaluat(?:e|es|ing|ion|ions)\b|inference\b|at test time\b|decoding\b|beam search\b|MT-?Bench\b|AlpacaEval\b"
    r"|Arena-?Hard\b|benchmark(?:s|ing)?\b|leaderboard\b|test set\b|validation\b",
}
#: Stages that say how text was sampled, not how weights were trained; only settings of sampling belong to them.
SAMPLING = frozenset({"evaluation", "rollout", "data generation"})
_SAMPLED = frozenset({"temperature", "max_length", "num_generations", "batch_size"})
#: Stages of which a paper has one: their settings contradict each other where they differ.
_GROUPS = {
    "mid-training": "pre-training",
    **dict.fromkeys(("KTO", "ORPO", "IPO", "SimPO"), "DPO"),
    **dict.fromkeys(("DAPO", "RLOO", "PPO", "GRPO"), "RL"),
}
_CUE = re.compile("|".join(rf"(?P<s{number}>{pattern})" for number, pattern in enumerate(_NAMES.values())), re.IGNORECASE)
#: What stands before the name of a stage that is not the one spoken of: where it starts from, what it is compared with.
_NOT_HERE = re.compile(
    r"(?i)(?:\b(?:from|than|unlike|over|against|versus|vs\.?|compar\w+ (?:to|with)|opposed to|instead of|on top of|after|before"
    r"|follow\w*|prior to|similar to|as in|same as|every|each|reference|use[ds]? in|outperform\w*|between|without|no)\s+(?:the "
    r"|our |its |an? )?(?:\w+[- ])?|[/])$"
)
#: In a heading the reward model is what is trained; in a sentence it may be what gives the rewards.
_REWARD = re.compile(r"(?i)\breward model\w*|\bRMs?\b")
#: What stands after it: then it names data, a model, a metric.
_THING = re.compile(r"(?i)[- ](?:data\b|dataset|set\b|checkpoint|baseline|reward|objective|loss\b|score|corpus|split|prompts?\b)")
_ORDER = re.compile(r"(?i)\b(?:stages?|phases?|then|followed by|subsequent\w*|first)\b")


def _cues(text: str, *, title: bool = False) -> Iterator[tuple[str, int, int]]:
    """The stages that a text names, with their places; in prose without those it only starts from or compares with."""
    names = tuple(_NAMES)
    reward = _REWARD.search(text) if title else None
    if reward:
        yield "reward model", reward.start(), reward.end()
    for match in _CUE.finditer(text):
        name = names[int((match.lastgroup or "s0")[1:])]
        if re.match(r"-[A-Z0-9]", text[match.end() : match.end() + 2]):  # the name of a data set or model: DAPO-Math-17k
            continue
        if match.start() and (text[match.start() - 1].isalnum() or (text[match.start() - 1] in "-_" and not title)):
            continue
        if title or not (_NOT_HERE.search(text[max(match.start() - 40, 0) : match.start()]) or _THING.match(text, match.end())):
            yield name, match.start(), match.end()


def _one_name(names: Iterable[str], parameter: str) -> str | None:
    """One name for the stages of one phrase: a method's own name says more than `fine-tuning` or `RL`; None for several."""
    found = [name for name in dict.fromkeys(names) if name not in SAMPLING or parameter in _SAMPLED]
    for general in ("fine-tuning", "RL"):
        if not {"pre-training", "mid-training", "reward model"} & set(found):
            found = [name for name in found if name != general] or found[:1]
    return found[0] if len(found) == 1 else None


def of_titles(titles: Iterable[str], parameter: str) -> str | None:
    """The stage that headings, a caption or the head of a column name, the innermost first."""
    for title in titles:
        both = re.search(r"\btrain|experiment", title, re.IGNORECASE)  # "Training and evaluation details" is about either
        named = _one_name((name for name, _, _ in _cues(title, title=True) if not (both and name in SAMPLING)), parameter)
        if named:
            return named
    return None


def in_sentence(text: str, parameter: str) -> tuple[str | None, bool]:
    """The stage that a sentence names for its values, and whether it names several."""
    names = [name for name, _, _ in _cues(text) if name not in SAMPLING or parameter in _SAMPLED]
    named = _one_name(names, parameter)
    return named, bool(names) and named is None


def carried(text: str) -> str | None:
    """The one stage that a sentence is about, which the sentences after it in the paragraph share; None for several."""
    return _one_name((name for name, _, _ in _cues(text) if name not in SAMPLING), "")


def group(stage: str | None) -> str | None:
    """The kind of training that a stage is: GRPO and PPO are both RL."""
    return _GROUPS.get(stage or "", stage)


def in_turn(text: str) -> set[str]:
    """The kinds of training that a sentence names as following each other; empty where it says no such thing."""
    if not _ORDER.search(text):
        return set()
    named = {
        group(name) or "" for name, _, _ in _cues(text) if name not in SAMPLING and name not in ("value model", "fine-tuning")
    }
    return named if len(named) > 1 else set()
