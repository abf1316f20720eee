"""Which part of training a value belongs to: what the words around it say, the heading above it, or the sentence before.

A paper that runs SFT and then DPO states every setting twice. What does not say its stage has none: better none than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: Stages that say how text was sampled, not how weights were trained; only settings of sampling belong to them.
SAMPLING = frozenset({"evaluation", "rollout"})
_SAMPLED = frozenset({"temperature", "max_length", "num_generations", "batch_size"})
_NAMES: dict[str, str] = {
    "pre-training": r"pre-?train(?:ing)?\b|pre-?trained (?=for|with|on|using)",
    "mid-training": r"mid-?train(?:ing|ed)?\b|annealing (?:stage|phase)\b",
    "SFT": r"SFT\b|supervised fine-?tun\w+|instruction[- ]tun(?:ing|e|ed)\b",
    "reward model": r"(?:train\w*|learn\w*|fit\w*|for) (?:\w+ ){0,3}?(?:reward models?\b|RMs?\b)"
    r"|(?:reward model(?:l?ing|s)?|RMs?) (?:training\b|(?:is|are|was|were) (?:all )?(?:\w+ly )?(?:train|fine-?tun|learn|fit)\w*)"
    r"|reward modell?ing\b",
    "DPO": r"DPO\b|direct preference optimi[sz]ation\b",
    "KTO": r"KTO\b",
    "ORPO": r"ORPO\b",
    "IPO": r"IPO\b",
    "SimPO": r"SimPO\b",
    "GRPO": r"GRPO\b",
    "DAPO": r"DAPO\b",
    "RLOO": r"RLOO\b",
    "PPO": r"PPO\b",
    "RL": r"RLHF\b|RLAIF\b|RLVR\b|RL\b|reinforcement learning\b",
    "value model": r"value (?:function|model|network|head)\b|critic\b",
    "distillation": r"distill(?:ation|ing)\b",
    "fine-tuning": r"fine-?tun(?:e|ing|ed)\b(?! (?:models?|checkpoints?|version))",
    "rollout": r"roll-?outs?\b",
    "evaluation": r"evaluat(?:e|es|ing|ion|ions)\b|inference\b|at test time\b|decoding\b|MT-?Bench\b|AlpacaEval\b|Arena-?Hard\b"
    r"|benchmark(?:s|ing)?\b|leaderboard\b|test set\b|validation\b",
}
_CUE = re.compile("|".join(rf"(?P<s{number}>{pattern})" for number, pattern in enumerate(_NAMES.values())), re.IGNORECASE)
#: What stands before the name of a stage that is not the one spoken of: where it starts from, what it is compared with.
_NOT_HERE = re.compile(
    r"(?:\b(?:from|than|unlike|over|against|versus|vs\.?|compar\w+ (?:to|with)|instead of|on top of|after"
    r"|before|follow\w*|prior to"
    r"|similar to|as in|same as|every|each|reference|use[ds]? in|outperform\w*|between|without|no)\s+(?:the "
    r"|our |its |an? )?(?:\w+[- ])?|[/])$",
    re.IGNORECASE,
)
#: In a heading the reward model is what is trained; in a sentence it may be what gives the rewards.
_REWARD = re.compile(r"\breward model\w*|\bRMs?\b", re.IGNORECASE)
#: What stands after it: then it names data, a model, a metric.
_THING = re.compile(
    r"[- ](?:data\b|dataset|set\b|checkpoint|baseline|reward|objective|loss\b|score|corpus|split|prompts?\b)", re.IGNORECASE
)
_JOINED = re.compile(r"\s*(?:,|/|&|\band\b|\bor\b|,\s*and\b)\s*(?:the |our |for )?", re.IGNORECASE)
_POINTS = re.compile(r"[^.;]{0,40}?\b(?:for|in|during|of|when|on) (?:(?:the|our|all|both|its|a) )?(?:\w+ )?$", re.IGNORECASE)
_FINE = {"SFT", "DPO", "KTO", "ORPO", "IPO", "SimPO", "GRPO", "DAPO", "RLOO", "PPO", "RL", "reward model", "distillation"}


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


def _fits(name: str, parameter: str) -> bool:
    return name not in SAMPLING or parameter in _SAMPLED


def _told(names: Iterable[str]) -> str | None:
    """One name for the stages of one phrase: a method's own name says more than `fine-tuning` or `RL`."""
    found = list(dict.fromkeys(names))
    if len(found) > 1:
        found = [name for name in found if name not in ("fine-tuning", "evaluation")] or found[:1]
    if len(found) > 1:
        found = [name for name in found if name != "RL"] or found
    return ", ".join(found) if 0 < len(found) <= 3 else None


def of_title(titles: Iterable[str], parameter: str) -> str | None:
    """The stage that the headings above a value name, the innermost first."""
    for title in titles:
        named = _told(name for name, _, _ in _cues(title, title=True) if _fits(name, parameter))
        if named:
            return named
    return None


def of_phrase(text: str | None, parameter: str) -> str | None:
    """The stage that a phrase names (`for SFT`, a column's head)."""
    return _told(name for name, _, _ in _cues(text or "", title=True) if _fits(name, parameter))


def in_sentence(text: str, start: int, end: int, parameter: str) -> str | None:
    """The stage that a sentence names for its value at `start:end`: the last one before it, else one after `for`, `during` …"""
    cues = [cue for cue in _cues(text) if _fits(cue[0], parameter)]
    before = [cue for cue in cues if cue[2] <= start]
    if before:
        last = [before[-1]]
        for cue in reversed(before[:-1]):
            if not _JOINED.fullmatch(text, cue[2], last[0][1]):
                break
            last.insert(0, cue)
        return _told(name for name, _, _ in last)
    after = [cue for cue in cues if cue[1] >= end]
    if len({cue[0] for cue in after}) == 1 and _POINTS.fullmatch(text, end, after[0][1]):
        return after[0][0]
    return None


def carried(text: str) -> str | None:
    """The one stage that a sentence is about, which the sentences after it in the paragraph share; None for several."""
    names = {name for name, _, _ in _cues(text) if name not in SAMPLING}
    named = _told(sorted(names)) if names else None
    return named if named in _NAMES and named in _FINE | {"pre-training", "mid-training", "fine-tuning"} else None
