"""Defines the hyper-parameters of a recipe: the names that papers give them, and their possible values.

Each has a narrow pattern (`mention`), with which a sentence can state a value without doubt, and a wide one (`cue`), which makes
a sentence with a number worth quoting. To add a parameter, add a row here and about twenty sentences to the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

#: Stands for one number in a pattern of `phrases`.
_N = (
    r"(?P<n>(?<![\w.^])\d[\d,.]{0,14}(?:\s?[×x]\s?10)?(?:\^\d{1,2})?\s?[kKM]?"
    r"|\b(?:one|two|three|four|five|six|eight|ten|sixteen)\b)"
)


@dataclass(frozen=True)
class Parameter:
    """One hyper-parameter whose value is a number.

    Attributes:
        name: its key in the report.
        mention: its names in running text.
        cue: words that a sentence worth quoting has besides a number.
        cell: further names in the heading of a table's row or column.
        low, high: the bounds of its value (a batch size of 0.1 is impossible).
        whole: whether only whole numbers are values.
        percent: whether `3%` is a value (0.03).
        units: words that may follow its value.
        counted: whether the name follows the value (`3 epochs`).
        phrases: whole phrases that contain the value, marked `{N}`.
        needs: words that must occur nearby (`rank` means something else without LoRA).
        needs_here: whether `needs` must occur in the sentence itself.
        needs_to_quote: whether `needs` applies to quotes, too.
        unless: words that must not occur in the sentence.
    """

    name: str
    mention: re.Pattern[str]
    cue: re.Pattern[str]
    cell: re.Pattern[str] | None
    low: float
    high: float
    whole: bool = False
    percent: bool = False
    units: str = ""
    counted: bool = False
    phrases: tuple[re.Pattern[str], ...] = ()
    needs: re.Pattern[str] | None = None
    needs_here: bool = False
    needs_to_quote: bool = True
    unless: re.Pattern[str] | None = None

    def accepts(self, value: float, suffix: str) -> bool:
        """Whether a number can be a value of this parameter."""
        if suffix == "%":
            return self.percent and 0 <= value <= 100
        if (suffix == "lost" and self.high > 1) or (suffix == "word" and not (self.whole or self.counted)):
            return False
        return self.low <= value <= self.high and (not self.whole or value == int(value))

    def meant(self, text: str, surroundings: str) -> bool:
        """Whether its names can mean this parameter in a sentence (or cell) with these surroundings."""
        if self.unless and self.unless.search(text):
            return False
        return self.needs is None or bool(self.needs.search(text if self.needs_here else f"{text}\n{surroundings}"))


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("{N}", _N), re.IGNORECASE)


_ADAPTER = _re(r"\blora\b|qlora|dora\b|adapter|low[\s-]rank|\bpeft\b|lora_")
#: The same within one sentence, where other settings of the adapter also show that it is meant.
_ADAPTER_HERE = re.compile(_ADAPTER.pattern + r"|\brank\b|\balpha\b|α", re.IGNORECASE)
_BEFORE_SIZE = (
    r"(?:(?:global|total|effective|overall|train(?:ing)?|eval(?:uation)?|per[\s_-](?:device|gpu|worker|core)|rollout|update"
    r"|policy|ppo|local|fine-?tuning)[\s_-]+){0,4}"
)
_LENGTH_OF = r"sequence|context|prompt|response|completion|generation|output|input|seq|token|source|target"
_ANSWERS = r"responses?|completions?|outputs?|roll-?outs?|generations?|candidates?|solutions?|trajectories|answers?|samples"
_PROMPTS = r"prompts?|questions?|quer(?:y|ies)|problems?|instructions?|inputs?|tasks?"


def _parameter(
    name: str,
    mention: str | re.Pattern[str],
    cue: str | re.Pattern[str],
    cell: str = "",
    *,
    within: tuple[float, float],
    phrases: tuple[str, ...] = (),
    **rest: Any,
) -> Parameter:
    """A parameter from the text of its patterns, which ignore case, and the bounds of its value."""
    mention_pattern, cue_pattern = (each if isinstance(each, re.Pattern) else _re(each) for each in (mention, cue))
    low, high = within
    return Parameter(
        name, mention_pattern, cue_pattern, _re(cell) if cell else None, low, high, phrases=tuple(map(_re, phrases)), **rest
    )


PARAMETERS: tuple[Parameter, ...] = (
    _parameter(
        "learning_rate",
        r"\blearning[\s_-]*rates?\b(?!\s*(?:warm|decay\b|sched|anneal|multipl|ratio|factor|dropout|scal))"
        r"|\blrs?\b(?!\s*(?:warm|decay\b|sched))",
        r"\blearning[\s_-]*rates?\b|\blrs?\b|step[\s-]size",
        r"(?:peak|init\w*|max\w*|base)?\s*(?:lr|learning[\s_-]*rate|η)|step[\s-]?size|(?:actor|policy)\s+lr",
        within=(1e-12, 1.0),
    ),
    _parameter(
        "batch_size",
        _re(_BEFORE_SIZE + r"(?:mini[\s-]?|micro[\s-]?)?batch[\s_-]*sizes?(?:\s+per[\s-](?:device|gpu|worker|core))?|\bbsz\b"),
        r"batch(?:es|[\s_-]*sizes?)?(?![a-z])|\bbsz?\b",
        r"(?:\w+[\s-]+){0,2}batch(?:[\s_-]*size)?(?:[\s-]+\w+){0,2}|bs|bsz|batch_size",
        within=(1, 1e9),
        whole=True,
        units="sequences?|samples?|examples?|prompts?|(?:max )?tokens?|queries|questions|pairs?|images?|instances?|per|problems?"
        "|rollouts?|trajectories|words?|of",
        phrases=(r"\b(?:mini-?|micro-?)?batch(?:es)? of (?:size )?{N}\b(?!\s*(?:steps|epochs|gpus))",),
        unless=_re(r"\blatency\b|\bthroughput\b|tokens/s|memory footprint"),
    ),
    _parameter(
        "gradient_accumulation",
        r"gradient[\s_-]*accumulation(?:[\s_-]*steps?)?|grad[\s_-]*accum\w*(?:[\s_-]*steps?)?",
        r"accum",
        within=(1, 4096),
        whole=True,
        units="steps?|micro-?batches",
        phrases=(
            r"accumulat\w+ (?:the )?gradients? (?:over|for|across|every) {N}",
            r"{N}[\s-]steps? (?:of )?gradient accumulation",
        ),
    ),
    _parameter(
        "epochs",
        r"(?:\b(?:number|num|#|no\.?) ?(?:of)?[\s_-]*)?(?:train(?:ing)?|fine-?tuning|max(?:imum)?|total"
        r"|full)?[\s_-]*(?<![a-z])epochs?\b",
        r"epochs?\b|pass(?:es)? (?:over|through)",
        r"(?:#|num(?:ber)?(?: of)?)?\s*(?:\w+[\s_-]+)?epochs?",
        within=(0.01, 10_000),
        counted=True,
        phrases=(r"{N} (?:full |complete )?pass(?:es)? (?:over|through) the (?:\w+ )?(?:data|dataset|training set|corpus)",),
    ),
    _parameter(
        "training_steps",
        r"(?:\b(?:number of|num|total|max(?:imum)?|#)[\s_-]*)(?:train(?:ing)?|optimi[sz]ation|gradient|update|rl|ppo"
        r"|grpo)?[\s_-]*(?:steps|iterations|updates)|\b(?:train(?:ing)?|optimi[sz]ation)[\s_-]*(?:steps|iterations)",
        r"(?:steps|iterations|updates)\b",
        r"(?:#|num\w*(?: of)?|total|max\w*)?[\s_]*(?:train\w*|gradient|update|optimi[sz]ation)?[\s_]*(?:steps"
        r"|iterations|updates)",
        within=(1, 1e9),
        whole=True,
        units="steps|iterations",
        counted=True,
        phrases=(
            r"\bfor (?:a (?:total|maximum) of |up to |about |approximately |around |another |an additional )?{N}[\s-]+"
            r"(?:(?:train\w*|optimi[sz]\w+|gradient|update|policy|rl|parameter|ppo|grpo|dpo)[\s-]+)?(?:steps"
            r"|iterations|updates)\b",
        ),
    ),
    _parameter(
        "max_length",
        rf"\bmax(?:imum|imal|\.)?[\s_-]*(?:(?:new|total|training|model|{_LENGTH_OF})[\s_-]*){{0,2}}(?:lengths?|len|tokens)\b"
        r"|(?<!average )(?<!mean )\b(?:sequence|context)[\s_-]+lengths?\b|\bcut-?off[\s_-]len(?:gth)?",
        r"lengths?\b|len\b|tokens\b|context\b|truncat\w+|windows?\b",
        r"(?!avg|average|mean|median)(?:max\w*\.?[\s_-]+(?:\w+[\s_-]+){0,2}"
        rf"|(?:total|training|model|new|block|cut-?off|{_LENGTH_OF})[\s_-]*)(?:length|len|size)\.?(?:\s*\(?tokens\)?)?"
        r"|length[\s_-]*(?:cut-?off|limit)|max\w*[\s_-]+(?:\w+[\s_-]+){0,2}tokens",
        within=(16, 1e8),
        whole=True,
        units="tokens?|word ?pieces?|subwords?",
        phrases=(
            r"\btruncat\w+ (?:or padded )?(?:to|at|after) (?:a maximum of |at most )?{N}(?=\s*(?:sub-?word )?tokens| *[.,;)]|$)",
            r"\bsequences of (?:length )?{N}(?=\s*tokens|[\s.,])",
        ),
    ),
    _parameter(
        "warmup",
        r"(?:\b(?:linear|linearly|learning[\s_-]*rate|lr)[\s_-]*)?\bwarm(?:ed|ing|s)?(?:[\s_-]*up)\b(?:[\s_-]*(?:ratio|steps?"
        r"|proportion|fraction|rate|period|phase|iterations?|epochs?|percentage)){0,2}|\bwarmup_(?:ratio|steps)\b",
        r"warm",
        within=(0, 1e7),
        units="steps?|iterations?|updates|epochs?|of|batches",
        percent=True,
        phrases=(
            r"{N}[\s-](?:linear |learning rate |lr )?warm-?\s?up (?:steps|iterations)",
            r"{N}[\s-](?:steps?|iterations?|updates) (?:of )?(?:linear )?warm-?\s?up",
            r"\bwarm\w*(?:[\s-]?up)? (?:\w+ ){0,3}?(?:over|for|in|during) (?:the )?(?:first |initial"
            r" )?{N}[\s-](?:steps|iterations|updates)",
        ),
    ),
    _parameter(
        "weight_decay",
        r"\bweight[\s_-]*decays?\b(?:[\s_-]*(?:rate|coefficient|factor|value))?",
        r"weight[\s_-]*decay|\bl_?2\b|\bwd\b",
        r"wd|weight[\s_-]*decay(?: rate)?",
        within=(0, 1),
    ),
    _parameter(
        "lora_dropout",
        r"\b(?:lora[\s_-]*)?drop-?outs?(?:[\s_-]*(?:rate|prob\w*|ratio))?\b|\blora_dropout\b",
        r"drop-?out",
        within=(0, 0.95),
        percent=True,
        needs=_ADAPTER_HERE,
        needs_here=True,
    ),
    _parameter(
        "dropout",
        r"\bdrop-?outs?(?:[\s_-]*(?:rate|prob\w*|ratio))?\b",
        r"drop-?out",
        within=(0, 0.95),
        percent=True,
        unless=_ADAPTER_HERE,
    ),
    _parameter(
        "lora_rank",
        r"(?:\b(?:lora|adapter|attention|adaptation)[\s_-]*)?\b(?<!low[\s_-])ranks?\b(?: (?:size"
        r"|dimension))?(?:\s*\(?\br\b\)?)?|\br(?=\s*(?:=|\s(?:is|was|of|to|set)\b))|\blora_r(?:ank)?\b",
        r"ranks?\b|\br\b|lora_r",
        r"r|(?:lora[\s_-]*)?(?:rank|r|dim(?:ension)?)(?:\s*\(?r\)?)?",
        within=(1, 8192),
        whole=True,
        needs=_ADAPTER,
        phrases=(r"\brank-{N}(?= (?:\w+ )?(?:lora|adapter))", r"\br\s*=\s*{N}"),
    ),
    _parameter(
        "lora_alpha",
        r"\b(?:lora[\s_-]*)?alpha\b|(?<!penalty )(?<!weight )α(?![_\w])",
        r"alpha|α|scaling (?:factor|parameter|coefficient)",
        r"(?:lora[\s_-]*)?(?:α|alpha)(?:\s*\(?α\)?)?",
        within=(1, 8192),  # a smaller α is another coefficient
        needs=_re(r"\blora\b|qlora|dora\b|adapter|low[\s-]rank|\bpeft\b|lora_|\brank\b|\br\s*="),
        needs_here=True,
    ),
    _parameter(
        "kl_coefficient",
        r"\bkl(?:[\s-]+divergence)?[\s_-]*(?:(?:loss|penalty|regulari[sz]ation|divergence)[\s_-]*)?"
        r"(?:coeff?(?:icients?)?|weights?|factor|penalty|terms?)\b|\bkl_?coe?f\b",
        r"\bkl\b|\bkl_|kullback",
        r"(?:init\w*[\s_-]*)?kl(?:[\s_-]*(?:\w*coef\w*|weight|penalty|term|loss|beta|β|divergence)){1,3}",
        within=(0, 10),
    ),
    _parameter(
        "beta",
        re.compile(r"(?i:\bbeta\b)(?!\s*(?:\(|dist|[12]\b))|β(?![_\w₁₂(])"),
        re.compile(r"(?i:\bbeta\b)|β(?![_₁₂])"),
        r"(?:dpo[\s_-]*)?(?:β|beta)",
        within=(1e-6, 100),
        needs=re.compile(r"\b(?:DPO|IPO|KTO|SimPO|CPO|ORPO)\b|[Pp]reference [Oo]ptimi"),
        needs_to_quote=False,
    ),
    _parameter(
        "num_generations",
        re.compile(
            r"(?i:\bgroup[\s_-]*sizes?(?:\s*\(?G\)?)?|\bnum_generations|\bnumber of (?:generations|roll-?outs|responses"
            r"|completions)(?: (?:per|for each|sampled per) \w+)?|\b(?:roll-?outs?|generations|responses"
            r"|completions) per (?:prompt|question|query|problem))"
        ),
        re.compile(rf"(?i:\bgroup[\s_-]*size|num_generations|\b(?:{_ANSWERS})\b)|\b[GKN](?=\s*=)"),
        r"(?:num\w*|#|no\.?)?\s*(?:of)?[\s_]*(?:generations|roll-?outs?|group size|samples per \w+)(?: per \w+)?"
        r"|group[\s_-]*size|roll-?out n",
        within=(2, 100_000),
        whole=True,
        units=_ANSWERS + "|per|for",
        needs=_re(r"group|roll[- ]?out|sampl|generat|candidate|trajector|[gn]\s*="),
        needs_here=True,
        unless=_re(r"quanti[sz]|\bawq\b|\bgptq\b|4-bit"),
        phrases=(
            rf"{{N}}\s+(?:\w+ )?(?:{_ANSWERS})\s+(?:are \w+ |were \w+ |sampled |generated )?(?:per|for each|for"
            rf" every)\s+(?:{_PROMPTS})\b",
            rf"\b(?:for|per|given|from) (?:each|every) (?:\w+ )?(?:{_PROMPTS}),? (?:\w+ ){{0,2}}?(?:sampl|generat|draw"
            rf"|roll)\w*(?: out)? (?:a group of )?{{N}}(?= (?:\w+ )?(?:{_ANSWERS}))",
        ),
    ),
    _parameter(
        "temperature",
        r"(?<![a-z] )\btemperature\b|\b(?:sampling|decoding|roll-?out|generation|evaluation|inference|an?|the|with|at"
        r"|to|set|use)[\s_-]+temperatures?\b",
        re.compile(r"(?i:temp(?:eratures?)?\b)|\bT(?=\s*=)|τ(?=\s*=)"),
        r"(?:(?:sampling|decoding|roll-?out|generation|evaluation|inference|train\w*)[\s_-]+)?temp(?:erature|\.)?",
        within=(0, 5),
        needs=_re(r"sampl|decod|generat|roll-?out|top[-_ ]?p|nucleus|inference|evaluat"),
        needs_to_quote=False,
    ),
    _parameter(
        "max_grad_norm",
        r"\b(?:max(?:imum|\.)?[\s_-]*)?grad(?:ient)?s?[\s_-]*(?:norms?[\s_-]*)?(?:clip(?:ping|ped)?)(?:[\s_-]*(?:norm"
        r"|threshold|value))?|\bmax(?:imum|\.)?[\s_-]*grad(?:ient)?[\s_-]*norm|\bclip(?:ping|ped)? (?:the "
        r"|all )?(?:global )?gradients?(?:[\s_-]*norms?)?|\bgradient norms? (?:is|are|was|were) clipped",
        r"clip|grad\w*[\s_-]*norm",
        within=(0, 1000),
    ),
)
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


@dataclass(frozen=True)
class Choice:
    """A hyper-parameter whose value is a name.

    Attributes:
        values: the possible names.
        spelling: a name in lower case -> its spelling in the report.
        use: a phrase that says that a name is in use, including the name.
        needs: words that must occur in the same sentence.
        cue: words that a sentence worth quoting has besides a name.
        cell: the parameter's names in a table.
    """

    name: str
    values: re.Pattern[str]
    spelling: dict[str, str]
    use: re.Pattern[str]
    needs: re.Pattern[str]
    cue: re.Pattern[str]
    cell: re.Pattern[str]

    def canonical(self, text: str) -> str:
        key = re.sub(r"[\s-]+", " ", text.strip().lower())
        return self.spelling.get(key, " ".join(text.split()))


_OPTIMIZER = (
    r"\b(?:(?:paged[\s_-]*)?(?:8-?bit[\s-]*)?AdamW?(?:[\s_-]*8-?bit)?|ADAMW?|Adafactor|Ada[Gg]rad|AdaDelta|SGD|RMS[Pp]rop|Lion"
    r"|Muon|Sophia(?:-G)?|LAMB|LARS|Shampoo|SOAP|NAdam|RAdam|stochastic gradient descent)\b(?![-/]\w)"
)
_SCHEDULE = (
    r"(?<![\w-])(?:cosine|linear(?:ly)?|constant|polynomial|inverse[\s-]+square[\s-]+root|exponential(?:ly)?|multi-?step"
    r"|step-?wise|WSD|warm-?up[\s-]+stable[\s-]+decay|one-?cycle)(?![a-z])"
)
_NAMES = "Adam AdamW SGD Adafactor Adagrad AdaDelta RMSprop Lion Muon Sophia LAMB LARS Shampoo SOAP NAdam RAdam"
CHOICES = (
    Choice(
        "optimizer",
        re.compile(_OPTIMIZER),
        {name.lower(): name for name in _NAMES.split()} | {"stochastic gradient descent": "SGD"},
        re.compile(_OPTIMIZER),
        re.compile(
            r"(?i:optimi[sz]\w*|learning[\s-]rate|\blr\b|weight decay|momentum|minimi[sz]\w+|\btrain(?:ed|ing)?\b"
            r"|fine-?tun\w+|updated by)|β"
        ),
        re.compile(r""),
        _re(r"optimi[sz]er(?: type)?"),
    ),
    Choice(
        "lr_scheduler",
        re.compile(_SCHEDULE, re.IGNORECASE),
        {
            "linearly": "linear",
            "exponentially": "exponential",
            "wsd": "WSD",
            "warmup stable decay": "WSD",
            "warm up stable decay": "WSD",
            "stepwise": "step",
            "step wise": "step",
            "multistep": "multi-step",
            "multi step": "multi-step",
        },
        re.compile(
            rf"{_SCHEDULE}(?!\s*(?:learning rate )?warm)(?=[\s-]+(?:learning[\s-]+rate|lr|(?:decay|anneal|decreas|schedul)\w*)\b)"
            rf"|\b(?:learning[\s-]rate|lr) (?:is |was |and |then )*(?:kept|held|schedul\w*|follows an?|remains)[\s:]*{_SCHEDULE}"
            rf"|\bschedul\w*(?: type)?\s*(?::|=|is|was)\s*{_SCHEDULE}(?!\s*warm)",
            re.IGNORECASE,
        ),
        _re(r""),
        _re(r"schedul|decay|anneal|learning[\s-]rate|\blr\b"),
        _re(r"(?:learning[\s-]*rate|lr)?[\s_-]*(?:schedul\w*|decay(?: type| schedule)?|annealing)(?: type)?"),
    ),
)
#: All names in the order of the report.
HYPERPARAMETERS = tuple(
    name
    for parameter in PARAMETERS
    for name in ([parameter.name, *(choice.name for choice in CHOICES)] if parameter.name == "warmup" else [parameter.name])
)
