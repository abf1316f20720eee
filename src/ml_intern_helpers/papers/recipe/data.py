"""Which data: names beside the words `dataset`, `corpus`, `benchmark`, addresses on the Hub; and what they were used for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.hyper import quote
from ml_intern_helpers.papers.recipe.plain import plain
from ml_intern_helpers.papers.recipe.sentences import Sentence

#: Data sets that papers name without calling them one.
_KNOWN = (
    r"UltraFeedback|UltraChat(?:[ -]?200k)?|UltraInteract|OpenHermes(?:-2\.5)?|SlimOrca|OpenOrca|ShareGPT|WildChat"
    r"|LMSYS-Chat-1M|OpenAssistant|OASST1?|Dolly(?:-15k)?|Alpaca-52K|FLAN(?:v2| v2| 2021)?|Natural Instructions"
    r"|Anthropic[ -]HH(?:-RLHF)?|HH-RLHF|TL;DR|Reddit TL;DR|SHP|HelpSteer[23]?|Nectar|Tulu[ -][23][\w-]*|GSM8K"
    r"|MATH(?:-500|500)?|MetaMath(?:QA)?|NuminaMath(?:-CoT|-TIR|-1\.5)?|OpenMathInstruct(?:-[12])?"
    r"|OpenMathReasoning|DeepScaleR"
    r"|DAPO-Math-17k|OpenR1-Math(?:-220k)?|Open-?Thoughts(?:-114k|3)?|Bespoke-Stratos(?:-17k)?|LIMO|s1K|BigMath"
    r"|Big-Math|ORZ|PRM800K|APPS|TACO|CodeContests|MBPP|HumanEval|Magicoder|CodeAlpaca|Evol-Instruct|OSS-Instruct"
    r"|C4|The Pile|RedPajama|SlimPajama|FineWeb(?:-Edu)?|DCLM|Dolma|RefinedWeb|StarCoderData|The Stack|OpenWebText"
    r"|BookCorpus|BooksCorpus|Wikipedia|CommonCrawl|Common Crawl|ProofPile|OpenWebMath|Cosmopedia"
    r"|SQuAD(?: ?v?[12]\.[01])?|GLUE|SuperGLUE|MNLI|SST-2|QQP|QNLI|CoLA|STS-B|MRPC|RTE|SWAG|HotpotQA|TriviaQA"
    r"|NaturalQuestions|Natural Questions|CNN/DailyMail|XSum|E2E|WikiSQL|SAMSum|ImageNet|CIFAR-10|COCO"
)
_NAME = r"[A-Z][\w.+/-]{0,60}(?: (?:[A-Z][\w.+-]{0,40}|\d+[KkM]\b|v?\d\.\d)){0,3}"
_PATTERNS = (
    re.compile(rf"(?<![\w-])(?P<v>{_KNOWN})(?![\w]|-[a-z])"),
    re.compile(
        rf"(?<![\w-])(?P<v>{_NAME})(?: \([^()]*\))? (?:preference |instruction |training |pre-?training "
        rf"|text |math |code |reasoning |QA |human |question[ -]answering )*(?:data ?sets?|corpus|corpora)\b"
    ),
    re.compile(
        rf"\b(?:data ?sets?|corpus|corpora)\b(?: is| are| was| were|:|,? (?:called|named|such as"
        rf"|including))*\s+(?P<v>{_NAME})(?! et al)(?!,? \(?\d{{4}}\))"
    ),
)
_ADDRESS = re.compile(r"https?://(?:huggingface\.co|hf\.co)/datasets/(?P<id>[\w.-]+/[\w.-]+?)(?=[)/?#\s]|\.?$)")
_NOT_NAMES = re.compile(
    r"(?:The|This|These|Our|We|All|Each|Both|For|In|On|A|An|Large|Small|Figure|Table|Section|Appendix|Other|Many"
    r"|Several|Such|Most|Data|Training|Test|Dataset|Public|Synthetic|Human|New|RL|RM|RLHF|SFT|DPO|PPO|KTO|ORPO|GRPO|LLM|NLP|English"
    r"|Preference|Reward|It|As|Since|While|When|If|By|To|From|With|Using|Two|Three|Full|Original|Final|First"
    r"|Second|Combined|Existing|Standard|Benchmark|Evaluation|Instruction|Math|Code|Chat|Dev|Validation|Downstream"
    r"|AI|QA|VQA|And|Or)"
)
#: What a name was used for is said before it, or right after it; a mere "training" somewhere in the sentence is not enough.
_BEFORE: dict[str, re.Pattern[str]] = {
    "training": re.compile(
        r"\b(?:(?:pre-?|post-?)?train(?:ed|ing)?|fine-?tun(?:e|ed|ing)|SFT|learn(?:ed|ing)?|optimi[sz](?:e|ed|ing)"
        r"|instruction-tun\w+|distill(?:ed|ing)?)\b[^;]{0,80}?\b(?:on|with|using|from|over|use|used)\b[^;]{0,60}$"
        r"|\b(?:training|pre-?training|fine-?tuning|preference|SFT|instruction)[\s-]+(?:data|corpus|set|dataset"
        r"|mixture|prompts)\b[^;]{0,40}$",
        re.IGNORECASE,
    ),
    "evaluation": re.compile(
        r"\b(?:evaluat\w+|test(?:ed|ing)?|benchmark\w*|accuracy|scores?|F1|outperform\w*|results?|pass@\d"
        r"|performance|leaderboard|report\w*|improv\w+)\b[^;]{0,60}?\b(?:on|of|in|for|using)\b[^;]{0,50}$",
        re.IGNORECASE,
    ),
}
_AFTER: dict[str, re.Pattern[str]] = {
    "training": re.compile(
        r"[^;]{0,40}?\b(?:for|as|to) (?:(?:our|the|all|supervised|a|reward|policy"
        r"|preference)\s+){0,3}(?:(?:pre-?|post-?)?train(?:ing)?|fine-?tun(?:e|ing)|SFT|RL|DPO"
        r"|GRPO|distillation)\b",
        re.IGNORECASE,
    ),
    "evaluation": re.compile(
        r"\s*(?:\([^()]*\)\s*)?(?:test set|dev set|benchmark|leaderboard|validation set"
        r"|for evaluation|accuracy|score)\b|[^;]{0,30}\bas (?:the |our "
        r"|an? )?(?:\w+ )?(?:benchmarks?|test)",
        re.IGNORECASE,
    ),
}


def datasets(sentence: Sentence) -> Iterator[Fact]:
    """The data sets a sentence names; `context` is `training`, `evaluation`, both, or None where it does not say."""
    reading = plain(sentence.text)
    for name, start, end in _found(reading.text):
        said = quote(sentence.text, reading, start, end)
        yield Fact("dataset", name, name, said, sentence.section, context=_role(reading.text, start, end), label=sentence.label)


def _found(text: str) -> list[tuple[str, int, int]]:
    found: dict[int, tuple[str, int, int]] = {}
    for match in _ADDRESS.finditer(text):
        found[match.start("id")] = (match["id"], match.start("id"), match.end("id"))
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, name = match.start("v"), match["v"].rstrip(".,-")
            first, _, rest = name.partition(" ")
            if _NOT_NAMES.fullmatch(first):
                start, name = start + len(first) + 1, rest
            inside = any(low <= start < high for _, low, high in found.values())
            if name and not inside and not _NOT_NAMES.fullmatch(name) and len(name) > 1:
                found[start] = (name, start, start + len(name))
    return sorted(found.values(), key=lambda each: each[1])


def _role(text: str, start: int, end: int) -> str | None:
    """What the words around a name say that the data was for."""
    before, after = text[max(start - 160, 0) : start], text[end : end + 80]
    roles = [role for role in _BEFORE if _BEFORE[role].search(before) or _AFTER[role].match(after)]
    return " and ".join(roles) or None


def linked(links: Sequence[str]) -> list[tuple[str, str]]:
    """`(kind, id)` of the Hub repositories that the paper links to; kind is `dataset` or `model`."""
    found: dict[tuple[str, str], None] = {}
    for link in links:
        match = re.match(
            r"https?://(?:huggingface\.co|hf\.co)/(datasets/|spaces/|papers/|collections/|docs/" r"|blog/)?([\w.-]+/[\w.-]+)",
            link,
        )
        if match and match[1] in (None, "datasets/"):
            found["dataset" if match[1] else "model", match[2].rstrip(".")] = None
    return list(found)
