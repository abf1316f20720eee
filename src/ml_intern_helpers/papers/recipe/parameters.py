"""The hyper-parameters that are looked for: how papers name each, which values can be meant, what they are counted in.

A new one is a row here and twenty sentences in the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Stands for one number in a pattern of `direct`.
N = (
    r"(?P<n>(?<![\w.^])\d[\d,.]{0,14}(?:\s?[×x]\s?10)?(?:\^\d{1,2})?\s?[kKM]?|\b(?:one|two|three|four|five|six|seven"
    r"|eight|nine|ten|sixteen|a single)\b)"
)
_BEFORE_SIZE = (
    r"(?:(?:global|total|effective|overall|aggregate|train(?:ing)?|eval(?:uation)?|per[\s_-](?:device|gpu|worker|core)"
    r"|rollout|update|policy|actor|ppo|local|fine-?tuning)[\s_-]+){0,5}"
)


@dataclass(frozen=True)
class Parameter:
    r"""One hyper-parameter.

    Attributes:
        name: key in the answer.
        mention: how running text names it.
        cell: further names in the head of a table's row or column.
        low, high: values outside are not it (0.1 is no batch size).
        whole: only whole numbers.
        units: words that may follow its value.
        direct: whole phrases with the value in them, marked `{N}`.
        counted: the name follows the value (`3 epochs`).
        needs: what must occur near by (`rank` means something else without LoRA).
        unless: what must not occur in the sentence.
        percent: whether `3%` is a value (of 0.03).
        here: `needs` and `unless` look at the sentence alone, not at the paragraph.
        optional: whether a paper may say that it is not used (`no warm-up`); there is no training without a learning rate.
        reported: False for what is known only in order not to be taken for something else.
    """

    name: str
    mention: re.Pattern[str]
    cell: re.Pattern[str] | None = None
    low: float = 0.0
    high: float = 1e12
    whole: bool = False
    units: str = ""
    direct: tuple[re.Pattern[str], ...] = ()
    counted: bool = False
    needs: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    percent: bool = False
    here: bool = False
    optional: bool = False
    reported: bool = True

    def accepts(self, value: float, suffix: str) -> bool:
        """Whether a number can be a value of this parameter."""
        if suffix == "%":
            return self.percent and 0 <= value <= 100
        if (suffix == "lost" and self.high > 1) or (suffix == "word" and not (self.whole or self.counted)):
            return False
        return self.low <= value <= self.high and (not self.whole or value == int(value))


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("{N}", N), re.IGNORECASE)


def _exact(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_ADAPTER = _re(r"\blora\b|qlora|dora\b|adapter|low[\s-]rank|\bpeft\b|lora_")
#: The same in one sentence, where the adapter may be known by its other settings.
_ADAPTER_HERE = re.compile(_ADAPTER.pattern + r"|\brank\b|\balpha\b|α", re.IGNORECASE)
_LENGTH_OF = (
    r"sequence|context|prompt|response|completion|generation|decoding|output|input|seq|token|query|answer"
    r"|source|target|sample|text"
)
_ANSWERS = r"responses?|completions?|outputs?|roll-?outs?|generations?|candidates?|solutions?|trajectories|answers?|samples"
_PROMPTS = r"prompts?|questions?|quer(?:y|ies)|problems?|instructions?|inputs?|examples?|instances?|tasks?"

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "learning_rate",
        _re(
            r"\blearning[\s_-]*rates?\b(?!\s*(?:warm|decay\b|sched|anneal(?:ing)?\b|multipl|ratio|factor|dropout"
            r"|scal))|\blrs?\b(?!\s*(?:warm|decay\b|sched))"
        ),
        cell=_re(
            r"(?:peak|init\w*|max\w*|base)?\s*(?:lr|learning[\s_-]*rate|η)|.*\blearning rate|step[\s-]?size"
            r"|(?:actor|critic|policy)\s+lr"
        ),
        low=1e-12,
        high=1.0,
        direct=(
            _re(r"\blearning[\s-]*rate\b[^.;:]{0,60}?\b(?:starting|starts?|start|beginning) (?:at|from|with) {N}"),
            _re(
                r"\blearning[\s-]*rate\b[^.;:]{0,60}?\b(?:starting|starts?|start|beginning) (?:at|from|with)"
                r" \S+[^a-z]{0,20}(?:and|then|,|\s)*"
                r" (?:gradually |linearly |then )*(?:decreas|reduc|decay|anneal)\w*(?: \w+)? to {N}"
            ),
            _re(r"\blearning[\s-]*rate\b[^.;:]{0,60}?\b(?:decreas|decay|anneal)\w* from {N}"),
            _re(r"\blearning[\s-]*rate\b[^.;:]{0,60}?\b(?:decreas|decay|anneal)\w* from \S+[^a-z]{0,20}to {N}"),
            _re(r"\bcosine [^.;:]{0,40}?\b(?:decreas|decay|anneal)\w* to {N}(?=[\s,.]+(?:over|in|at|by|$))"),
        ),
    ),
    Parameter(
        "batch_size",
        _re(_BEFORE_SIZE + r"(?:mini[\s-]?|micro[\s-]?)?batch[\s_-]*sizes?(?:\s+per[\s-](?:device|gpu|worker|core))?|\bbsz\b"),
        cell=_re(r"(?:\w+[\s-]+){0,2}batch(?:[\s_-]*size)?(?:[\s-]+\w+){0,2}|bs|bsz|batch_size"),
        low=1,
        high=1e9,
        whole=True,
        units=(
            "sequences?|samples?|examples?|prompts?|(?:max )?tokens?|queries|questions|pairs?|images?|instances?|per|problems?"
            "|rollouts?|trajectories|words?|of"
        ),
        unless=_re(r"\blatency\b|\bthroughput\b|tokens/s|memory footprint"),
        here=True,
        direct=(_re(r"\b(?:mini-?|micro-?)?batch(?:es)? of (?:size )?{N}\b(?!\s*(?:steps|epochs|gpus))"),),
    ),
    Parameter(
        "gradient_accumulation",
        _re(r"gradient[\s_-]*accumulation(?:[\s_-]*steps?)?|grad[\s_-]*accum\w*(?:[\s_-]*steps?)?"),
        low=1,
        high=4096,
        whole=True,
        units="steps?|micro-?batches",
        direct=(
            _re(r"accumulat\w+ (?:the )?gradients? (?:over|for|across|every) {N}"),
            _re(r"{N}[\s-]steps? (?:of )?gradient accumulation"),
            _re(r"\bgradient accumulation (?:for|over|of|with) {N}"),
        ),
        optional=True,
    ),
    Parameter(
        "epochs",
        _re(
            r"(?:\b(?:number|num|#|no\.?) ?(?:of)?[\s_-]*)?(?:train(?:ing)?|fine-?tuning|max(?:imum)?|total|full"
            r"|sft|ppo|dpo)?[\s_-]*(?<![a-zA-Z])epochs?\b"
        ),
        cell=_re(r"(?:#|num(?:ber)?(?: of)?)?\s*(?:\w+[\s_-]+)?epochs?"),
        low=0.01,
        high=10_000,
        counted=True,
        direct=(
            _re(r"{N} (?:full |complete )?pass(?:es)? (?:over|through) the (?:\w+ )?(?:data|dataset" r"|training set|corpus)"),
            _re(r"{N}-epoch\b"),
            _re(r"{N}\s?-\s?\d{1,2}(?:\.\d)? (?:\w+ )?epochs\b"),
            _re(r"(?<![\d.])\d{1,2}(?:\.\d)?\s?-\s?{N} (?:\w+ )?epochs\b"),
        ),
    ),
    Parameter(
        "training_steps",
        _re(
            r"(?:\b(?:number of|num|total|max(?:imum)?|#)[\s_-]*)(?:train(?:ing)?|optimi[sz]ation|gradient|update"
            r"|rl|ppo|grpo)?[\s_-]*(?:steps|iterations|updates)"
            r"|\b(?:train(?:ing)?|optimi[sz]ation)[\s_-]*(?:steps|iterations)"
        ),
        cell=_re(
            r"(?:#|num\w*(?: of)?|total|max\w*)?[\s_]*(?:train\w*|gradient|update"
            r"|optimi[sz]ation)?[\s_]*(?:steps|iterations|updates)"
        ),
        low=1,
        high=1e9,
        whole=True,
        units="steps|iterations",
        counted=True,
        direct=(
            _re(
                r"\bfor (?:a (?:total|maximum) of |up to |about |approximately |around |roughly |another "
                r"|an additional |the full |~|≈)*{N}"
                r"[\s-]+(?:more |(?:train\w*|optimi[sz]\w+|gradient|update|policy|rl|parameter|sgd|ppo|grpo|dpo"
                r"|optimizer|learning|global)[\s-]+)*(?:steps|iterations|updates)\b"
            ),
            _re(r"\bsteps (?:in|for|on|during) [^.;,]{2,40}? and {N}[\s-]+(?:more |training )?(?:steps|iterations|updates)\b"),
            _re(r"\bset (?:the )?(?:number of )?(?:max\w* )?training steps? to {N}"),
            _re(
                r"\bover (?:the course of |a total of )*{N} (?:train\w* |gradient |optimi[sz]\w+ )?(?:steps|updates|iterations)\b"
            ),
            _re(
                r"\btrain\w* (?:runs?|lasts?|takes?|consists? of|comprises?|stops? after"
                r"|ends? after) (?:for )?{N} (?:\w+ )?(?:steps|iterations|updates)\b"
            ),
        ),
    ),
    Parameter(
        "max_length",
        _re(
            rf"(?<!average )(?<!mean )(?<!median )(?<!avg )(?<!avg\. )(?:\bmax(?:imum|imal|\.)?[\s_-]*)?(?:(?:new"
            rf"|total|training|model|{_LENGTH_OF})[\s_-]*){{0,2}}(?:{_LENGTH_OF})[\s_-]*(?:lengths?|len|windows?"
            rf"|limit|budget|size)\b"
            r"|\bmax(?:imum|imal|\.)?[\s_-]*(?:number of )?(?:(?:new|generated|output|response|prompt"
            r"|generation)[\s_-]*)?(?:tokens?|length|len)\b|\bcut-?off[\s_-]len(?:gth)?"
        ),
        cell=_re(
            r"(?!avg|average|mean|median)(?:max\w*\.?[\s_-]+(?:\w+[\s_-]+){0,2}"
            rf"|(?:(?:total|training|train|model|new|block|chunk|cut-?off|{_LENGTH_OF})[\s_-]*){{1,3}})(?:length|len|window|size"
            r"|context)\.?(?:\s*\(?tokens\)?)?|context"
            rf"|(?:{_LENGTH_OF})[\s_-]+max\w*[\s_-]+(?:length|len|tokens)|max\w*[\s_-]+(?:\w+[\s_-]+){0, 2}tokens"
        ),
        low=16,
        high=1e8,
        whole=True,
        units="tokens?|word ?pieces?|subwords?",
        direct=(
            _re(
                r"\btruncat\w+ (?:\w+ ){0,4}?(?:to|at|after) (?:a maximum of |at most "
                r"|the first )?{N}(?=\s*(?:sub-?word )?tokens| *[.,;)]|$)"
            ),
            _re(
                r"\b(?:sequences?|contexts?|prompts?|responses?|completions?) (?:of|with|up to|to|at) (?:length "
                r"|up to |at most |a maximum of |maximum length )*{N}(?=\s*tokens)"
            ),
            _re(r"\b(?:sequences?|contexts?|chunks?|blocks?) of length (?:up to )?{N}"),
            _re(r"{N}[\s-]tokens? (?:context|sequences?|window|chunks|limit)"),
            _re(r"\b(?:generat\w+|decod\w+|sampl\w+) (?:\w+ ){0,3}?(?:up to|at most|a maximum of) {N}(?=\s*(?:new )?tokens)"),
        ),
    ),
    Parameter(
        "warmup",
        _re(
            r"(?:\b(?:linear|linearly|learning[\s_-]*rate|lr)[\s_-]*)*\bwarm(?:ed|ing"
            r"|s)?(?:[\s_-]*up)\b(?!\s+(?:the (?:learning[\s-]*rate|lr) )?(?:linearly )?(?:to"
            r"|from)\b)(?:[\s_-]*(?:ratio|steps?|proportion|fraction"
            r"|rate|period|phase|stage|iterations?|epochs?|schedule|percentage))*"
            r"|\bwarmup_(?:ratio|steps)\b"
        ),
        low=0,
        high=1e7,
        units="steps?|iterations?|updates|epochs?|of|batches",
        percent=True,
        direct=(
            _re(r"{N}[\s-](?:linear |learning rate |lr )*warm-?\s?up (?:steps|iterations)"),
            _re(r"{N}[\s-](?:steps?|iterations?|updates) (?:of )?(?:linear |learning rate )*warm-?\s?up"),
            _re(
                r"\b(?:warm\w*[\s-]?up (?:the |our )?(?:learning[\s-]*rate|lr)|(?:learning[\s-]*rate|lr) (?:is |was"
                r" )?(?:linearly )?"
                r"(?:warm\w*[\s-]?up|increas\w+|ramp\w*(?: up)?)) (?:linearly )?(?:from \S+ )?to \S+ (?:over|for|in|during"
                r"|within)"
                r" (?:the first )?{N}[\s-]+(?:\w+ )?(?:steps|iterations|updates)\b"
            ),
            _re(
                r"{N}\s?(?:%|percent) of (?:the )?(?:\w+ )?(?:steps|iterations|training|epochs?|updates) (?:is |are |was "
                r"|were )?(?:used )?"
                r"(?:for|as) (?:the |a |linear |lr |learning[\s-]rate )*warm-?\s?up"
            ),
        ),
        optional=True,
    ),
    Parameter(
        "weight_decay",
        _re(
            r"\bweight[\s_-]*decays?\b(?:[\s_-]*(?:rate|coefficient|factor))?|\bl_?2[\s_-]*(?:regulari[sz]ation"
            r"|penalty)(?: (?:coefficient|weight|strength))?"
        ),
        cell=_re(r"wd|weight[\s_-]*decay(?: rate)?|λ"),
        low=0,
        high=1,
        optional=True,
    ),
    Parameter(
        "lora_dropout",
        _re(r"\b(?:lora[\s_-]*)?drop-?outs?(?:[\s_-]*(?:rate|prob\w*|ratio))?\b|\blora_dropout\b"),
        low=0,
        high=0.95,
        percent=True,
        needs=_ADAPTER_HERE,
        here=True,
        optional=True,
    ),
    Parameter(
        "dropout",
        _re(r"\bdrop-?outs?(?:[\s_-]*(?:rate|prob\w*|ratio))?\b"),
        low=0,
        high=0.95,
        percent=True,
        unless=_ADAPTER_HERE,
        here=True,
        optional=True,
    ),
    Parameter(
        "lora_rank",
        _re(
            r"(?:\b(?:lora|adapter|attention|adaptation)[\s_-]*)?\b(?<!low[\s_-])(?:(?<=_)|\b)ranks?\b(?: (?:size"
            r"|dimension))?(?:\s*\(?\br\b\)?)?|\br(?=\s*(?:=|\s(?:is|was|of|to|set)\b))|\blora_r\b"
        ),
        cell=_re(r"r|(?:lora[\s_-]*)?(?:rank|r|dim(?:ension)?)(?:\s*\(?r\)?)?"),
        low=1,
        high=8192,
        whole=True,
        needs=_ADAPTER,
        direct=(_re(r"\brank-{N}(?!\s*(?:updates?|approxim|matri|correct|decompos|perturb))"), _re(r"\br\s*=\s*{N}")),
    ),
    Parameter(
        "lora_alpha",
        _re(r"\b(?:lora[\s_-]*)?alpha\b|\b(?:lora )?scaling (?:factor|parameter|coefficient)(?:\s*\(?α\)?)?|α(?![_\w])"),
        cell=_re(r"(?:lora[\s_-]*)?(?:α|alpha)"),
        low=1,  # a smaller α weighs something else
        high=8192,
        needs=_ADAPTER,
    ),
    Parameter(
        "kl_coefficient",
        _re(
            r"β\s*\(\s*(?:the )?kl\b[^()]{0,30}\)|\bkl(?:[\s-]+divergence)?[\s_-]*(?:(?:loss|penalty|regulari[sz]ation"
            r"|divergence|reward"
            r"|control)[\s_-]*)*(?:coeff?(?:icients?)?|weights?|factor|strength|penalty|terms?|constraint"
            r"|regulari[sz]ation|regulari[sz]er|loss|beta|β)\b(?:,?\s*\(?β\)?(?:\s*,)?)?"
            r"|\b(?:coeff?(?:icient)?|weight|strength)\s*(?:β )?(?:of|for"
            r"|on) (?:the )?(?:\w+ )?kl(?:[\s-]+(?:penalty|term|divergence|loss|regulari[sz]\w+))*(?: to)?"
            r"|\bkl_?coe?f\b"
        ),
        cell=_re(r"(?:init\w*[\s_-]*)?kl(?:[\s_-]*\w+){0,2}"),
        low=0,
        high=10,
        optional=True,
    ),
    Parameter(
        "beta",
        _exact(r"(?i:\bbeta\b)(?!\s*(?:\(|dist|[12]\b))|β(?![_\w₁₂(])"),
        cell=_re(r"(?:dpo[\s_-]*)?(?:β|beta)"),
        low=1e-6,
        high=100,
    ),
    Parameter(
        "num_generations",
        _exact(
            r"(?i:\bgroup[\s_-]*sizes?(?:\s*\(?G\)?)?|\bnum_generations|\bnumber of (?:generations|roll-?outs"
            r"|responses|completions|samples|outputs|candidates)(?: (?:per|for each|sampled per) \w+)?"
            r"|\b(?:roll-?outs?|generations|responses|completions|samples) per (?:prompt|question|query|problem"
            r"|instruction))|\bG(?=\s*=)"
        ),
        cell=_re(
            r"(?:num\w*|#|no\.?)?\s*(?:of)?[\s_]*(?:generations|roll-?outs?|group size"
            r"|samples per \w+)(?: per \w+)?|group[\s_-]*size(?:\s*\(?g\)?)?|roll-?out n"
        ),
        low=2,
        high=100_000,
        whole=True,
        units=_ANSWERS + "|per|for",
        unless=_re(r"quanti[sz]|\bawq\b|\bgptq\b|4-bit"),
        direct=(
            _re(
                rf"{{N}}\s+(?:\w+ ){{0,2}}?(?:{_ANSWERS})\s+(?:are \w+ |were \w+ |sampled |generated "
                rf"|drawn )?(?:per|for each|for every|from each|to each|for a given"
                rf"|for one)\s+(?:\w+\s)?(?:{_PROMPTS})\b"
            ),
            _re(
                rf"\b(?:for|per|given|from) (?:each|every|a"
                rf"|one) (?:\w+ )?(?:{_PROMPTS})(?: \$?\w\$?)?,? (?:\w+ ){{0,3}}?(?:sampl|generat|draw|roll|collect"
                rf"|produc)\w*(?: out)? (?:a group of |a total of |groups of )?{{N}}\b"
            ),
        ),
    ),
    Parameter(
        "temperature",
        _exact(
            r"(?i:\b(?:(?:sampling|softmax|decoding|roll-?out|generation|training|evaluation|inference|test"
            r"|distillation)[\s_-]+)*temperatures?\b(?:\s*\(?\b[tτ]\b\)?)?)|\bT(?=\s*=)|τ(?=\s*=)"
        ),
        cell=_re(r"(?:\w+[\s_-]+){0,2}temp(?:erature|\.)?|t|τ"),
        low=0,
        high=5,
        needs=_re(r"temp|sampl|decod"),
    ),
    Parameter(
        "max_grad_norm",
        _re(
            r"\b(?:max(?:imum|\.)?[\s_-]*)?grad(?:ient)?s?[\s_-]*(?:norms?[\s_-]*)?(?:clip(?:ping"
            r"|ped)?)(?:[\s_-]*(?:norm|threshold|value|range))*|\bmax(?:imum|\.)?[\s_-]*grad(?:ient)?[\s_-]*norm"
            r"|\bclip(?:ping|ped)? (?:the |all )?(?:global )?gradients?(?:[\s_-]*norms?)?|\bgradient norms? (?:is"
            r"|are|was|were) clipped"
        ),
        low=0,
        high=1000,
        direct=(
            _re(
                r"\bclip\w* (?:the |all )?gradients?\b[^.;]{0,80}?\b(?:not exceed|exceed(?:s|ing)?|at most|threshold of"
                r"|norm of|value of)"
                r" {N}"
            ),
        ),
        optional=True,
    ),
    Parameter("momentum", _re(r"\bmomentum\b"), reported=False),
    Parameter("label_smoothing", _re(r"\blabel[\s-]smoothing\b"), reported=False),
    Parameter("discount", _re(r"\bdiscount(?: factor)?\b|\bgae\b|γ|λ"), reported=False),
    Parameter("clip_range", _re(r"\bclip(?:ping)?[\s_-]*(?:range|ratio|epsilon|ε|parameter|threshold)\b|ε"), reported=False),
    Parameter("entropy", _re(r"\bentropy(?: (?:bonus|coefficient|loss))*\b"), reported=False),
    Parameter("top_p", _re(r"\b(?:top[\s_-]*[pk]|nucleus)\b"), reported=False),
    Parameter("adam_betas", _re(r"β_?[12]|\bbetas?_?[12]\b|β₁|β₂|\bbetas\b"), reported=False),
    Parameter("seeds", _re(r"\bseeds?\b"), reported=False),
)
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
