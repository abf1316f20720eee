"""Finds the stage of training that a value belongs to: from the words around it, the heading above it, or the sentence before.

A paper that runs SFT and then DPO states every setting twice. A value whose stage is not stated has none, since a wrong stage is
worse than none.
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
#: Stages in which text is sampled and no weights are trained; only settings of sampling belong to them.
SAMPLING = frozenset({"evaluation", "rollout", "data generation"})
_SAMPLED = frozenset({"temperature", "max_length", "num_generations", "batch_size"})
#: Stage -> its kind. A paper has one stage of each kind: different settings of the same kind contradict each other.
_GROUPS = {
    "mid-training": "pre-training",
    **dict.fromkeys(("KTO", "ORPO", "IPO", "SimPO"), "DPO"),
    **dict.fromkeys(("DAPO", "RLOO", "PPO", "GRPO"), "RL"),
}
_CUE = re.compile("|".join(rf"(?P<s{number}>{pattern})" for number, pattern in enumerate(_NAMES.values())), re.IGNORECASE)
#: Text before the name of a stage that is not the current one but the starting point or a comparison.
_NOT_HERE = re.compile(
    r"(?i)(?:\b(?:from|than|unlike|over|against|versus|vs\.?|compar\w+ (?:to|with)|opposed to|instead of|on top of|after|before"
    r"|follow\w*|prior to|similar to|as in|same as|every|each|reference|use[ds]? in|outperform\w*|between|without|no)\s+(?:the "
    r"|our |its |an? )?(?:\w+[- ])?|[/])$"
)
#: In a heading, the reward model is being trained; in a sentence, it may only provide the rewards.
_REWARD = re.compile(r"(?i)\breward model\w*|\bRMs?\b")
#: Text after the name of a stage that makes it the name of data, a model or a metric.
_THING = re.compile(r"(?i)[- ](?:data\b|dataset|set\b|checkpoint|baseline|reward|objective|loss\b|score|corpus|split|prompts?\b)")
_ORDER = re.compile(r"(?i)\b(?:stages?|phases?|then|followed by|subsequent\w*|first)\b")


def _cues(text: str, *, title: bool = False) -> Iterator[tuple[str, int, int]]:
    """The stages that a text names, with their places; in prose, starting points and comparisons are left out."""
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
    """The one stage of a phrase, or None for several; a method's name takes precedence over `fine-tuning` and `RL`."""
    stages = [name for name in dict.fromkeys(names) if name not in SAMPLING or parameter in _SAMPLED]
    for general in ("fine-tuning", "RL"):
        if not {"pre-training", "mid-training", "reward model"} & set(stages):
            stages = [name for name in stages if name != general] or stages[:1]
    return stages[0] if len(stages) == 1 else None


def of_titles(titles: Iterable[str], parameter: str) -> str | None:
    """The first stage named in headings, a caption or a table's column, given the innermost first."""
    for title in titles:
        mixed = re.search(r"\btrain|experiment", title, re.IGNORECASE)  # "Training and evaluation details" is about either
        stage = _one_name((name for name, _, _ in _cues(title, title=True) if not (mixed and name in SAMPLING)), parameter)
        if stage:
            return stage
    return None


def in_sentence(text: str, parameter: str) -> tuple[str | None, bool]:
    """The stage that a sentence names for its values, and whether it names several."""
    names = [name for name, _, _ in _cues(text) if name not in SAMPLING or parameter in _SAMPLED]
    stage = _one_name(names, parameter)
    return stage, bool(names) and stage is None


def carried(text: str) -> str | None:
    """The one stage that a sentence is about, which applies to the following sentences of the paragraph; None for several."""
    return _one_name((name for name, _, _ in _cues(text) if name not in SAMPLING), "")


def group(stage: str | None) -> str | None:
    """The kind of training of a stage: GRPO and PPO are both RL."""
    return _GROUPS.get(stage or "", stage)


def in_turn(text: str) -> set[str]:
    """The kinds of training that a sentence names as consecutive stages; else empty."""
    if not _ORDER.search(text):
        return set()
    kinds = {
        group(name) or "" for name, _, _ in _cues(text) if name not in SAMPLING and name not in ("value model", "fine-tuning")
    }
    return kinds if len(kinds) > 1 else set()
