"""The methods, the hardware and the results that a paper states, in sentences and in tables with benchmarks for heads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, Cell, Document, Grid, Section
from ml_intern_helpers.papers.recipe.plain_text import plain
from ml_intern_helpers.papers.recipe.sentences import Fact, Sentence, quote

_METHODS = {
    "SFT": r"SFT|supervised fine-?tuning|instruction[- ]tuning",
    "DPO": r"DPO|direct preference optimi[sz]ation",
    "GRPO": r"GRPO|group relative policy optimi[sz]ation",
    "PPO": r"PPO|proximal policy optimi[sz]ation",
    "KTO": r"KTO|Kahneman-Tversky optimi[sz]ation",
    "ORPO": r"ORPO",
    "IPO": r"IPO",
    "SimPO": r"SimPO",
    "CPO": r"CPO",
    "RLOO": r"RLOO|REINFORCE leave-one-out",
    "REINFORCE": r"REINFORCE(?:\+\+)?",
    "DAPO": r"DAPO",
    "Dr. GRPO": r"Dr\. ?GRPO",
    "GSPO": r"GSPO",
    "reward model": r"reward model(?:s|ing)?(?= (?:is|are|was|were|training|trained))|train (?:a|the|our) reward model",
    "QLoRA": r"QLoRA",
    "LoRA": r"LoRA|low-rank adaptation",
    "full fine-tuning": r"full[- ](?:parameter )?fine-?tuning|fine-tun\w+ all (?:the )?parameters"
    r"|all (?:of the )?parameters are fine-?tuned",
    "distillation": r"knowledge distillation|distill(?:ed|ation|ing)?(?= (?:from|on|loss|objective|the|into|with))",
    "rejection sampling": r"rejection sampling",
    "continued pre-training": r"continu\w+ pre-?training|continual pre-?training",
    "pre-training": r"pre-?train(?:ed|ing)? (?:from scratch|on|with|using)",
}
_METHOD = {name: re.compile(rf"(?<![\w-])(?:{pattern})(?![\w])") for name, pattern in _METHODS.items()}
_USED = re.compile(
    r"\b(?:we|our (?:model|approach|method|policy|training|experiments?)|is|are|was|were)\b[^;]{0,60}?\b(?:use"
    r"|used|using|train(?:ed)?|fine-?tun(?:e|ed)|appl(?:y|ied)|employ(?:ed)?|adopt(?:ed)?|propos(?:e|ed)"
    r"|introduc(?:e|ed)|perform(?:ed)?|conduct(?:ed)?"
    r"|optimi[sz](?:e|ed)|implement(?:ed)?|utili[sz](?:e|ed)|present|initiali[sz]ed|run|distill(?:ed)?|pre-?train(?:ed)?)\b",
    re.IGNORECASE,
)
_CHIP = (
    r"(?:NVIDIA |Nvidia |Tesla |GeForce |Google |Cloud |AMD |Intel |Huawei "
    r"|Ascend )*(?:(?:DGX[ -])?[AHVBPL]\d{1,3}0{1,2}S?\b|GH200|GB200|L40S?|L4\b|T4\b|A10G?\b|A6000|A5000|A40\b|K80"
    r"|P40\b|RTX[ -]?\w*(?: ?\d{4})(?: ?Ti)?|Quadro \w+|TITAN \w+|MI\d{3}X?|TPU(?:s|[ -]?v?\d\w*)?(?: (?:chips?"
    r"|cores?|pods?))?|Gaudi ?\d?|910B|Trainium\d?|M[1-4] (?:Max|Ultra|Pro))"
)
_COUNT = r"(?:\d[\d,]*|one|two|three|four|eight|sixteen|thirty-two|sixty-four|a single|single|a)"
_HARDWARE = (
    re.compile(
        rf"\b{_COUNT}\s*(?:×|x|\*)?\s*(?:\d+ ?G[iB]+\s+)?{_CHIP}(?:s\b)?(?:[ -](?:SXM\d?|PCIe"
        rf"|NVL))?(?:[ -]?\(?\d+ ?G[iB]*\)?)?(?: (?:GPUs?|chips?|cores?|cards?|nodes?|accelerators?"
        rf"|TPUs?))?(?: \([^()]*\d[^()]*\))?",
        re.IGNORECASE,
    ),
    re.compile(r"\b\d[\d,.]*[kKM]?\s+(?:(?:A100|H100|H200|H800|V100|GPU|TPU)[\s-]*)+(?:hours?|days?)\b", re.IGNORECASE),
    re.compile(
        rf"\b{_COUNT} (?:nodes?|GPUs|machines)\b(?:,? (?:each )?(?:with|of|equipped with"
        rf"|containing) (?:{_COUNT} )?(?:×\s*)?{_CHIP}[^.,;]{{0,20}})?",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:train\w*|fine-?tun\w*|run|experiments?)\b[^;]{0,60}?\b(?:takes?|took|requires?|lasts?"
        r"|complet\w+ in|finish\w+ in|within|in (?:about|around|approximately|under"
        r"|less than))\b\s+(?:about |around |approximately |roughly |less than |under |~|≈)*(?:\d[\d.,]*"
        r"|one|two|three|four|five|a single) (?:GPU[ -])?(?:hours?|days?|weeks?|minutes?)\b",
        re.IGNORECASE,
    ),
)
_CHIP_ONLY = re.compile(_CHIP, re.IGNORECASE)
BENCHMARK = re.compile(
    r"(?<![\w-])(?:GSM8K|GSM-?Hard|MATH-?500|MATH|AIME(?:[ -]?(?:20)?2[3-6])?|AMC(?:[ -]?(?:20)?23)?|OlympiadBench"
    r"|Minerva(?: Math)?|MMLU(?:-Pro|-Redux)?|C-?Eval|CMMLU|BBH|BIG-Bench(?: Hard)?|ARC(?:-[CEce]\w*)?|HellaSwag"
    r"|WinoGrande|PIQA|BoolQ|OpenBookQA|TruthfulQA|GPQA(?:[ -]Diamond)?"
    r"|HumanEval\+?|MBPP\+?|LiveCodeBench|SWE-?bench(?: Verified| Lite)?|Codeforces|BigCodeBench"
    r"|AlpacaEval(?: ?2(?:\.0)?)?|MT-?Bench|Arena-?Hard|IFEval|WildBench|LMArena|TL;DR|XSum|CNN/DM|GLUE|SuperGLUE"
    r"|SQuAD(?: ?v?[12]\.[01])?|MNLI|MultiNLI|QQP|QNLI|SST-2|CoLA|STS-B|MRPC|RTE|SWAG"
    r"|HotpotQA|TriviaQA|Natural ?Questions|WebShop|ALFWorld|RewardBench(?: ?2)?|MMMU|MathVista|DocVQA|VQAv2"
    r"|ImageNet|WMT\d*\w*|LAMBADA|WikiText-?(?:2|103)|LongBench|RULER|BFCL|TauBench)(?![\w]|-[a-z])"
)
_METRIC = re.compile(
    r"\b(?:accurac(?:y|ies)|pass@\d+|maj@\d+|cons@\d+|avg@\d+|win[- ]?rates?|F1|EM|exact match|BLEU"
    r"|ROUGE(?:-[12L])?|perplexity|Elo|scores?|recall|precision|AUC|correlation|reward|resolve rate"
    r"|success rate)\b",
    re.IGNORECASE,
)
_SCORE = re.compile(
    r"(?<![\w.^@-])(?P<v>\d{1,2}\.\d{1,2}\s?%?|\d{1,3}\s?%|100(?:\.0)?\s?%|0\.\d{2,3})(?![\w.]"
    r"|,\d{3}|\s?[-–]?(?:[BKM]\b|x\b|GB|hours|days))"
)
_NOT_SCORE = re.compile(
    r"\b(?:learning rate|dropout|warm-?up|decay|top-?p|temperature|of the (?:data|steps|tokens|training|time)"
    r"|p\s*[<=]|confidence|ratio|version|v)\s*(?:of|is|=|:)?\s*$"
    # A difference is no score.
    r"|\b(?:by|los\w*|drop\w*|gain\w*|(?:improv|increas|decreas|reduc|boost|rais)\w*(?: of)?|up to"
    r"|than)\s+(?:about |around |only |up to |an? )?$|[+±]\s*$"
    r"|^\s*(?:of the (?:data|steps|tokens|training|time|parameters)|(?:more|fewer|less|higher|lower|better|worse"
    r"|absolute|relative|percentage|points?|pp|additional|improvement|gains?|increase|drop|of (?:the )?\w+ ?data)\b"
    r"|[-–to ]{1,4}\d)",
    re.IGNORECASE,
)


def methods(sentence: Sentence) -> Iterator[Fact]:
    """The training methods of a sentence that says that they were used."""
    reading = sentence.reading
    if not _USED.search(reading.text):
        return
    for name, pattern in _METHOD.items():
        match = pattern.search(reading.text)
        if match:
            said = quote(sentence.text, reading, match.start(), match.end())
            yield Fact("method", name, match[0], said, sentence.section, label=sentence.label)


def hardware(sentence: Sentence) -> Iterator[Fact]:
    """Devices with their number, and how long training took."""
    reading = sentence.reading
    end = 0
    for match in sorted(
        (m for pattern in _HARDWARE for m in pattern.finditer(reading.text)), key=lambda m: (m.start(), -m.end())
    ):
        is_device = _CHIP_ONLY.search(match[0]) or re.search(r"GPU|TPU|hour|day|week|minute", match[0], re.IGNORECASE)
        if match.start() >= end and is_device:
            said = quote(sentence.text, reading, match.start(), match.end())
            yield Fact("hardware", match[0].strip(), match[0].strip(), said, sentence.section, label=sentence.label)
            end = match.end()


def results(sentence: Sentence) -> Iterator[Fact]:
    """The score of a sentence that names one benchmark and has one score; what says more is left to the reader."""
    reading = sentence.reading
    names = list(BENCHMARK.finditer(reading.text))
    scores = list(_scores(reading.text, names))
    if len({name[0] for name in names}) == 1 and len(scores) == 1:
        value = scores[0]["v"].strip()
        metric = _METRIC.search(reading.text)
        said = quote(sentence.text, reading, *scores[0].span())
        unit = metric[0] if metric else None
        yield Fact("result", value, value, said, sentence.section, unit=unit, context=names[0][0], label=sentence.label)


def _scores(text: str, names: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    """The numbers that can be scores: no differences, no settings, not the 1.1 of SQuAD 1.1."""
    for match in _SCORE.finditer(text) if names else ():
        in_name = any(name.start() <= match.start() < name.end() for name in names)
        before, after = text[max(match.start() - 40, 0) : match.start()], text[match.end() : match.end() + 60]
        if not (in_name or _NOT_SCORE.search(before) or _NOT_SCORE.match(after)):
            yield match


_CELL_SCORE = re.compile(r"-?\d{1,4}(?:\.\d{1,3})?\s*%?(?:\s*(?:±|\\pm)\s*[\d.]+)?")
_OURS = re.compile(r"\bours?\b|\(ours\)|†ours", re.IGNORECASE)
MOST = 40


def from_tables(document: Document) -> Iterator[Fact]:
    """Marked values of all tables that have benchmarks for heads."""
    for section, block in document.blocks():
        for grid in block.grids if section.kind != "references" else ():
            yield from list(_of_grid(grid, section, block))[:MOST]


def _of_grid(grid: Grid, section: Section, block: Block) -> Iterator[Fact]:
    heads = [[cell.text for cell in row] for row in grid[:3]]
    columns = [column for column in range(len(grid[0])) if any(BENCHMARK.search(row[column]) for row in heads)]
    if not columns:
        return
    for row in grid[1:]:
        label = next((cell.text for cell in row if cell.text and not _score(cell)), "")
        ours = bool(_OURS.search(label))
        for column in columns:
            if _score(row[column]) and (ours or row[column].bold):
                yield _fact(
                    row[column],
                    label,
                    " ".join(
                        dict.fromkeys(filter(None, (head[column] for head in heads if not _CELL_SCORE.fullmatch(head[column]))))
                    ),
                    section,
                    block,
                )


def _score(cell: Cell) -> bool:
    return bool(_CELL_SCORE.fullmatch(plain(cell.text).text.strip()))


def _fact(cell: Cell, label: str, head: str, section: Section, block: Block) -> Fact:
    name = block.label or "table"
    mark = "bold" if cell.bold else "the authors' row"
    value = plain(cell.text).text.strip()
    said = clean(f"{label} | {head}: {cell.text} [{mark}]" + (f" — {block.caption}" if block.caption else ""), limit=260)
    return Fact(
        "result", value, cell.text, said, section.name, context=f"{clean(head, limit=60)}, {clean(label, limit=60)}", label=name
    )
