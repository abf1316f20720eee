"""Hyper-parameters whose value is a name: optimizer, learning-rate schedule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ml_intern_helpers.papers.recipe.facts import Kind


@dataclass(frozen=True)
class Choice:
    """One of them.

    Attributes:
        values: the names it may have.
        spelling: a name in small letters -> how it is written here.
        cue: what must stand in the sentence for the name to be meant; its group `v`, where it has one, is the value.
        cell: how a table names the parameter.
    """

    name: str
    values: re.Pattern[str]
    spelling: dict[str, str]
    cues: tuple[re.Pattern[str], ...]
    cell: re.Pattern[str]

    def canonical(self, text: str) -> str:
        bare = re.sub(r"[\s-]+", " ", text.strip().lower())
        return self.spelling.get(bare, " ".join(text.split()))


_OPTIMIZERS = (
    r"(?:paged[\s_-]*)?(?:8-?bit[\s-]*)?AdamW?(?:[\s_-]*8-?bit)?|Adafactor|Ada[Gg]rad|AdaDelta|SGD"
    r"|RMS[Pp]rop|Lion|Muon|Sophia(?:-G)?|LAMB|LARS|Shampoo|SOAP|NAdam|RAdam|ADAMW?"
    r"|stochastic gradient descent"
)
_SCHEDULES = (
    r"cosine(?:[\s-]+(?:decay|annealing|with (?:warm )?restarts))?|linear(?:ly)?|constant|polynomial"
    r"|inverse[\s-]+square[\s-]+root|inverse[\s-]+sqrt|exponential|multi-?step|step-?wise|WSD"
    r"|warm-?up[\s-]+stable[\s-]+decay|one-?cycle|triangular"
)
OPTIMIZER = Choice(
    "optimizer",
    re.compile(rf"\b(?:{_OPTIMIZERS})\b"),
    {
        "adam": "Adam",
        "adamw": "AdamW",
        "sgd": "SGD",
        "stochastic gradient descent": "SGD",
        "adafactor": "Adafactor",
        "adagrad": "Adagrad",
        "adadelta": "AdaDelta",
        "rmsprop": "RMSprop",
        "lion": "Lion",
        "muon": "Muon",
        "sophia": "Sophia",
        "lamb": "LAMB",
        "lars": "LARS",
        "shampoo": "Shampoo",
        "soap": "SOAP",
        "nadam": "NAdam",
        "radam": "RAdam",
    },
    (
        re.compile(
            rf"\b(?P<v>{_OPTIMIZERS})\b(?=(?: \w+ et al\.?)?(?:[\s,;]*\([^()]*\))*\s*(?:\[[\d, ]+\])?\s*(?:optimi[sz]er"
            rf"|optimi[sz]ation|(?:(?:is|was) (?:used|chosen|employed) )?as (?:the|our|an) optimi[sz]er))"
        ),
        re.compile(
            rf"\b[Oo]ptimi[sz]ers?\b(?:\s*\([^()]*\))?(?:\s|:|=|is|was|are|set|to|we|use|used|employ|the|of"
            rf"|choose|adopt|as|type|\|)*(?P<v>{_OPTIMIZERS})\b"
        ),
        re.compile(
            rf"\b(?:optimi[sz]\w*|train\w*|fine-?tun\w*|minimi[sz]\w*"
            rf"|updat\w*)\b(?: [\w,-]+){{0,8}}? (?:using|with|by|via) (?:the |an? )?(?P<v>{_OPTIMIZERS})\b"
        ),
        re.compile(
            rf"\b(?:we|We) (?:use|used|employ|adopt|apply|utili[sz]e) (?:the "
            rf"|an? )?(?P<v>{_OPTIMIZERS})\b(?=.*(?:learning[- ]rate|\blr\b|weight decay|β|momentum"
            rf"|optimi[sz]))"
        ),
        re.compile(
            rf"\b(?P<v>{_OPTIMIZERS})\b(?=\s*(?:with|,|\()\s*(?:an? |the )?(?:peak |initial "
            rf"|constant )?(?:learning[- ]rate|\blr\b|β|weight decay|momentum|beta))"
        ),
    ),
    re.compile(r"optimi[sz]er(?: type)?", re.IGNORECASE),
)
SCHEDULER = Choice(
    "lr_scheduler",
    re.compile(rf"\b(?:{_SCHEDULES})\b", re.IGNORECASE),
    {
        "cosine decay": "cosine",
        "cosine annealing": "cosine",
        "linearly": "linear",
        "inverse sqrt": "inverse square root",
        "wsd": "WSD",
        "warmup stable decay": "WSD",
        "warm up stable decay": "WSD",
        "stepwise": "step",
        "step wise": "step",
        "multistep": "multi-step",
        "multi step": "multi-step",
    },
    (
        re.compile(rf"\b(?P<v>{_SCHEDULES})\b(?=[\s-]*(?:learning[\s-]*rate|lr)\b(?!\s*warm))", re.IGNORECASE),
        re.compile(
            rf"\b(?P<v>{_SCHEDULES})\b(?=[\s-]+(?:learning[\s-]+rate[\s-]+)?(?:lr )?(?:(?:decay|annealing"
            rf"|decaying)[\s-]+)?(?:schedul\w*|decay|decaying|annealing)\b(?! (?:of|in|on) (?!(?:the "
            rf"|our )?(?:learning|lr))))",
            re.IGNORECASE,
        ),
        re.compile(r"\b(?P<v>linear|cosine) warm-?\s?up and decay\b", re.IGNORECASE),
        re.compile(
            rf"\b(?:schedul\w*|learning[\s-]*rate decay)\b(?:\s*\([^()]*\))?(?:\s|:|=|\||is|was|set|to|a|the"
            rf"|we|use|used|type|of|follows?|as)*(?P<v>{_SCHEDULES})\b(?!\s*warm)",
            re.IGNORECASE,
        ),
        re.compile(
            r"\blearning[\s-]*rate (?:is |was |that is |then )*(?:then )?(?P<v>linearly|exponentially"
            r"|cosine|polynomially) (?:decay|anneal|decreas|reduc)",
            re.IGNORECASE,
        ),
        re.compile(
            r"\b(?P<v>linearly|exponentially) (?:decay|anneal|decreas|reduc)\w* (?:the " r"|our )?(?:learning[\s-]*rate|lr)\b",
            re.IGNORECASE,
        ),
        re.compile(
            rf"\b(?:decay|anneal|decreas)\w*\b[^;]{{0,60}}?\b(?:following|with|using|by|according to"
            rf"|via) (?:an? |the )?(?P<v>{_SCHEDULES})\b(?!\s*warm)",
            re.IGNORECASE,
        ),
        re.compile(
            r"\blearning[\s-]*rates?\b[^;]{0,30}\b(?:kept|held|is|remains?|stays?|fixed) (?P<v>constant)\b", re.IGNORECASE
        ),
        re.compile(
            rf"\blearning[\s-]*rate(?: of)?[^;]{{0,40}}?\b(?:with|and|using|following) (?:an? "
            rf"|the )?(?P<v>{_SCHEDULES})\b(?=[\s-]+(?:decay|schedul|anneal))",
            re.IGNORECASE,
        ),
    ),
    re.compile(r"(?:learning[\s-]*rate|lr)?[\s_-]*(?:schedul\w*|decay(?: type| schedule)?|annealing)(?: type)?", re.IGNORECASE),
)
CHOICES = (OPTIMIZER, SCHEDULER)
#: Before a name, this says that it is what was not used.
_REJECTED = re.compile(
    r"(?:instead of|rather than|than|unlike|benchmark\w+|other|not(?: use)?|replac\w+|over|vs\.?|versus|without"
    r"|compared (?:to|with)|outperform\w*)\s+(?:the |an? )?(?:standard |plain |vanilla )?$",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:compar\w+|vs\.?|versus|outperform\w*|either|sweep|search|try|tried|explor\w+" r"|ablat\w+)\b", re.IGNORECASE
)


def named(choice: Choice, text: str) -> Iterator[tuple[str, int, int, Kind]]:
    """The values a plain sentence states: name, place, and whether it is one of several that were compared."""
    seen: dict[str, tuple[int, int]] = {}
    for cue in choice.cues:
        for match in cue.finditer(text):
            start, end = match.span("v")
            if not _REJECTED.search(text, 0, start):
                seen.setdefault(_spelled(choice, match["v"]), (start, end))
    kind: Kind = "searched" if len(seen) > 1 and _COMPARED.search(text) else "set"
    for value, (start, end) in seen.items():
        yield value, start, end, kind


def _spelled(choice: Choice, text: str) -> str:
    value = choice.canonical(text)
    return {"exponentially": "exponential", "polynomially": "polynomial"}.get(value, value)
