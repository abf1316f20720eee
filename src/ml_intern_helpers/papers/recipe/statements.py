"""Reads hyper-parameters from one sentence: a value that is stated without doubt, else a quote.

The rules are narrow on purpose: a reader can judge a quote in seconds, but a wrong value costs a training run. "Certain" means
throughout that a value is read without doubt. `Claim` is defined here; `Fact` and `Sentence` are in `sentences`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ml_intern_helpers.core.text import plain_number
from ml_intern_helpers.papers.recipe import stages
from ml_intern_helpers.papers.recipe.parameters import BY_NAME, CHOICES, PARAMETERS, Parameter
from ml_intern_helpers.papers.recipe.sentences import Fact, Number, Sentence, at, numbers, plain, quote

Value = float | int | str | None
#: Words that may stand between a name and its value. They are read one by one, because a pattern of repeated alternatives
#: takes exponential time on a hostile sentence.
_FILLER = frozenset(
    re.findall(
        r"\w+",
        "of is are was were be been has have to at as a an the set fixed kept held chosen equal equals value constant initial"
        " peak maximum max about approximately around roughly we use used using default all always which only",
    )
)
_WARMUP_FILLER = _FILLER | {"over", "for", "during", "in", "first", "initial", "lasts", "takes", "linear", "linearly"}
_TOKEN = re.compile(r"\s+|\([^()\d]{1,25}\)|[:=≈~({]|[TGrKN](?=\s*[=:)≈ ])(?![a-z])|[ηβαλτ]|,\s*[ηβα]\s*,|(?P<word>[A-Za-z]+)")
#: Characters between a name and its value.
_FARTHEST = 60
#: Characters between a cue and a number that make a sentence worth quoting.
_FARTHEST_QUOTED = 120
#: Text between a value and a name that follows it: `a 1e-5 peak learning rate`, `0.1 as the weight decay`.
_BACK = re.compile(
    r"\s*-?\s*(?:as (?:the |our )?)?(?:(?:peak|initial|maximum|constant|fixed|global|total|effective|full|linear)\s+){0,2}"
)
#: Words after a number that make it a count of something else, unless they are units of the parameter.
_UNIT = re.compile(
    r"(?i)[\s-]*(?P<unit>(?:(?:training|gradient|optimi[sz]ation|update|optimizer|max|roll-?out|policy|rl) )?(?:epochs?|steps?"
    r"|iterations?|updates?|tokens?|samples?|examples?|sequences?|prompts?|roll-?outs?|responses?|completions?|generations?"
    r"|questions?|problems?|words?|pairs?|images?|instances?|queries|trajectories|word ?pieces?|subwords?|candidates?|outputs?"
    r"|characters?|gpus?|tpus?|[ahv]100s?|nodes?|devices?|cores?|workers?|layers?|heads?|seeds?|runs?|tasks?|datasets?|models?"
    r"|parameters?|days?|hours?|minutes?|seconds?|times|points?|percent|random|different|more|fewer|of the|out of|per|warm\w*"
    r"|x)\b|(?P<sign>%|×))"
)
#: Separators of two numbers in a list, and further words that may stand between them: `3 epochs for SFT and 1`.
_NEXT = re.compile(r"(?i)\s*(?:,\s*(?:and |or |then )?|/|[-–]{1,2}|\band\b|\bor\b|\bto\b|\.\.\.|[×x*])\s*")
_COUNTED_FOR = re.compile(
    r"(?:\s*(?:epochs?|steps?|tokens?|sequences?|samples?)\b)?"
    r"(?:\s+(?:for|in|on|during|when|with)\s+(?:[\w./+-]{1,40}\s+){0,4}?[\w./+-]{1,40}(?=\s*(?:,|and\b|or\b)))?"
)
#: Words of sentences whose values may not be those of the training: tried, compared, or of other work.
_DOUBT = re.compile(
    r"(?i)\b(?:search\w*|sweep\w*|swept|grid|among|candidate (?:values|learning)|selected from|chosen from|tr(?:y|ied|ying)"
    r"|explor\w+|var(?:y|ied|ying)|ablat\w+|compar\w+|rang(?:e|es|ing)|between|instead of|rather than|unlike|previous\w*"
    r"|prior work|originally|baselines?|they|their|would|could|if|higher|lower|larger|smaller|increas\w+|diverge[sd]?|unstable"
    r"|worse|either|respectively|best|optimal|effect of|sensitiv\w+|early stopping|patience|penalty (?:weight|factor)|except"
    r"|twice|half|vram|wall-clock|forward passes|kernels?|measured|naive)\b|\[\d+\] (?:use|set|train)|\bfollow(?:ing)? \["
)
#: Text before a name or number: the end of a schedule instead of the rate; a point in training instead of its length.
_NOT_THE_RATE = re.compile(r"(?i)(?:\b(?:min(?:imum)?|final|end)\s+|(?:decay|anneal|reduc|decreas|drop)\w*\s+(?:the |our )?)$")
_NOT_THE_COUNT = re.compile(
    r"(?i)(?:\b(?:every|each|after|per|first|last|final|than|within|warm\w*(?:[ -]up)?(?: (?:over|for|of|in))?(?: the)?|another"
    r"|save\w*|at|until|next|accumulat\w*(?: over)?|in|of|only)|[<>≥≤])\s*(?:the |about |around )?$"
)
_OTHER_EVENT = re.compile(r"(?i)\b(?:warm|accumul|evaluat|sav(?:e|ing))[^,;.]*$")
_COSTS = re.compile(r"(?i)\s*(?:takes?|took|requires?|costs?|later|earlier|ago)\b")
#: `no warm-up is used`, `we do not use weight decay`; other parameters, such as the learning rate, cannot be unused.
_OPTIONAL = ("warmup", "weight_decay", "dropout", "lora_dropout", "kl_coefficient", "max_grad_norm", "gradient_accumulation")
_NONE = re.compile(r"(?i)\b(?:(?:do|did|does) not (?:use|apply|employ) (?:any |a )?|no )(?:learning[- ]rate |linear )?$")
_NOT_USED = re.compile(r"(?i)\s*(?:is|was|are|were) (?:used|applied|employed|needed)\b")
#: Words that make a sentence worth quoting without a separate number: `the KL term is disabled`, `3-epoch training`.
_NEGATION = re.compile(r"(?i)\b(?:no|not|without|disabl\w+|remov\w+|omit\w*|none)\b")
_HYPHENATED = re.compile(r"(?i)\b(?:\d[\d,.]*|one|two|three|four|five)(?=-(?:epoch|token|step)s?\b)")
#: `For the 6B model, …` and `… for CIFAR`: the value holds for only some of the models or data.
_LEAD = re.compile(r"^(?:\w+ly, )?(?:For|On|In|With) (?P<what>[^,]{3,60}),\s|^The \d[\d.]*[BM]\b")
_TAIL = re.compile(r"(?i)\s*\(?(?:for|on|in|during|when)\s+(?P<what>[^,;()]{2,50})")
_GENERAL = frozenset(
    re.findall(
        r"[\w-]+",
        "all each both every any our the this these main whole total training optimization optimizer experiments experiment"
        " simplicity stability efficiency consistency implementation hyperparameters hyper-parameters details of fine-tuning"
        " finetuning lora adapter adapters layers linear policy actor runs run models model setting settings methods prompt"
        " prompts question questions query queries problem problems tasks stages stage is was are",
    )
)
QUALIFIERS = re.compile(
    r"(?i)global|total|effective|mini|micro|per[\s_-](?:device|gpu|worker|core)|rollout|eval\w*|prompt|response|completion|input"
    r"|output|generation|source|target|new"
)
#: Words that show that a batch size of 1 is one of training: inference is often measured with it.
_IN_TRAINING = re.compile(r"(?i)train|fine-?tun|per[\s_-]|micro|accumul")
_PER_DEVICE = re.compile(r"(?i)\s*(?:\w+\s)?(per[\s-](?:gpu|device|card|worker|core|node))\b")
_BATCH_UNITS = {"token": "tokens", "prompt": "prompts", "question": "prompts", "word": "words", "pair": "pairs"}
#: Titles of sections that hold settings, and of sections or tables that compare variants.
_SETTINGS = re.compile(r"(?i)train|hyper-?param|implement|set-?up|config|details|fine-?tun|setting|reproduc")
COMPARES_VARIANTS = re.compile(
    r"(?i)\b(?:ablat\w+|sensitivity|effects? of|impact of|influence of|varying|robustness|analys[ei]s|baselines?|latency"
    r"|scaling laws?|prob(?:es?|ing)|search space)\b"
)
#: Text that may follow the number in a table's cell; "95 CI low" is not a length.
_CELL_REST = re.compile(
    r"(?i)\W*(?:$|(?:x|steps?|epochs?|tokens?|iterations?|updates?|sequences?|samples?|prompts?|pairs?|examples?|instances?|per|of"
    r"|linear|cosine|warm\w*|constant|GPUs?|candidates|roll-?outs?|responses?|completions?|images?|words?)\b)"
)
_OFF = re.compile(r"(?i)(?:none|no|off|disabled|not used|false|n/?a|-|✗|×)\W*")


@dataclass(frozen=True)
class Claim:
    """A statement of a sentence, a row or a line about one parameter.

    Attributes:
        fact: its value with the quote, or the quote alone (kind `quoted`).
        score: the rank of its quote; higher scores come first.
        about_others: whether its section is about other people's work or a summary.
        rivals: the values that it states without certainty; they contradict a certain value elsewhere.
    """

    fact: Fact
    score: int
    about_others: bool = False
    rivals: tuple[Value, ...] = ()


@dataclass(frozen=True)
class _Link:
    """A value linked to a name; not `certain` when it is one of a list, the end of a schedule …"""

    value: Value
    start: int
    end: int
    unit: str | None = None
    context: str | None = None
    certain: bool = True


def claims(sentence: Sentence) -> Iterator[Claim]:
    """The claims of a sentence, at most one for each parameter."""
    text = sentence.reading.text
    text_numbers = list(numbers(text))
    cued = [parameter for parameter in PARAMETERS if parameter.cue.search(text)]
    needs_paragraph = any(parameter.needs and not parameter.needs_here for parameter in cued)
    paragraph = f"{plain(sentence.paragraph).text}\n{' '.join(sentence.titles)}" if needs_paragraph else ""
    name_spans = [(mention.start(), mention.end()) for parameter in cued for mention in parameter.mention.finditer(text)]
    for parameter in cued:
        meant = parameter.meant(text, paragraph)
        if not meant and parameter.needs_to_quote:
            continue
        links = _links(parameter, text, text_numbers, name_spans) if meant else []
        unused_link = None if links else _unused(parameter, text)
        links = [unused_link] if unused_link else links
        place = (links[0].start, links[0].end) if links else _place(parameter, text, text_numbers)
        if place is None:
            continue
        values = tuple(dict.fromkeys(link.value for link in links))
        certain = len(values) == 1 and all(link.certain for link in links)
        near_mention = any(match.end() > place[0] - 80 for match in parameter.mention.finditer(text))
        score = (3 if certain else 2) if links else int(near_mention)
        yield _claim(sentence, parameter.name, links[0] if links else None, place, certain, score, values)
    for choice in CHOICES:  # the optimizer or schedule, given where the sentence names only one
        any_name = choice.values.search(text)
        if any_name and choice.cue.search(text):
            in_use = [choice.values.search(text, *match.span()) or any_name for match in choice.use.finditer(text)]
            values = tuple(dict.fromkeys(choice.canonical(match[0]) for match in in_use))
            certain = len(values) == 1 and bool(choice.needs.search(text))
            place = (in_use or [any_name])[0].span()
            link = _Link(values[0], *place) if values else None
            yield _claim(sentence, choice.name, link, place, certain, 3 if certain else 2 if values else 0, values)


def _claim(
    sentence: Sentence,
    name: str,
    link: _Link | None,
    place: tuple[int, int],
    certain: bool,
    score: int,
    values: tuple[Value, ...],
) -> Claim:
    """The claim of one sentence; its value is left out where the sentence or a heading makes it doubtful."""
    text = sentence.reading.text
    stage, several_stages = stages.in_sentence(text, name)
    stage = stage or (None if several_stages else stages.of_titles(sentence.titles, name) or sentence.last_stage)
    doubted = bool(_DOUBT.search(text)) or any(COMPARES_VARIANTS.search(title) for title in sentence.titles)
    doubted |= name == "batch_size" and link is not None and link.value == 1 and not _IN_TRAINING.search(text)
    certain_link = (
        link
        if certain and not (several_stages or doubted or sentence.about_others or (link and _is_partial(text, link)))
        else None
    )
    # The value as the paper writes it, without an unpaired brace.
    written = sentence.text[sentence.reading.origin[place[0]] : sentence.reading.origin[place[1]]].strip(" $")
    if written.count("{") > written.count("}") and written.startswith("{"):
        written = written[1:]
    if written.count("}") > written.count("{") and written.endswith("}"):
        written = written[:-1]
    score += bool(_SETTINGS.search(" ".join(sentence.titles))) - 2 * sentence.about_others - doubted
    fact = Fact(
        name,
        certain_link.value if certain_link else None,
        written or text[slice(*place)],
        quote(sentence.text, sentence.reading, *place),
        sentence.section,
        ("none" if certain_link.value is None else "set") if certain_link else "quoted",
        certain_link.unit if certain_link else None,
        certain_link.context if certain_link else None,
        sentence.label,
        stage,
    )
    return Claim(fact, score, sentence.about_others, () if certain_link or doubted else values)


def _links(parameter: Parameter, text: str, text_numbers: list[Number], name_spans: list[tuple[int, int]]) -> list[_Link]:
    """The numbers beside a name of the parameter, or inside a phrase that holds its value."""
    links: dict[int, _Link] = {}
    for phrase in parameter.phrases:
        for match in phrase.finditer(text):
            number = at(text, match.start("n"))
            digits = match["n"].replace(",", "").rstrip(". ")
            if not number and re.fullmatch(r"\d+(?:\.\d+)?", digits):  # joined to its noun by a hyphen: `rank-16`
                start = match.start("n")
                number = Number(start, start + len(digits), float(digits), digits)
            if number and parameter.accepts(number.value, number.suffix):
                is_other_event = parameter.counted and _OTHER_EVENT.search(text, 0, match.start())
                certain = not (is_other_event or _continues(text, number.end, name_spans))
                links.setdefault(number.start, _link(parameter, text, number, match[0], certain))
    for match in parameter.mention.finditer(text):
        number = _number_after(parameter, text, match, text_numbers, name_spans)
        if number:
            certain = not (_NOT_THE_RATE.search(text, 0, match.start()) or _continues(text, number.end, name_spans))
            links.setdefault(number.start, _link(parameter, text, number, match[0], certain))
            continue
        number = next((candidate for candidate in reversed(text_numbers) if candidate.end <= match.start()), None)
        if number and _BACK.fullmatch(text, number.end, match.start()) and parameter.accepts(number.value, number.suffix):
            before = text[max(number.start - 40, 0) : number.start]
            in_list = re.search(r"\d\s*(?:[-–/]|or|to)\s*$", before) or _continues(text, match.end(), name_spans)
            is_point = parameter.counted and (_NOT_THE_COUNT.search(before) or _COSTS.match(text, match.end()))
            links.setdefault(number.start, _link(parameter, text, number, match[0], not (in_list or is_point)))
    return sorted(links.values(), key=lambda link: link.start)


def _number_after(
    parameter: Parameter, text: str, match: re.Match[str], text_numbers: list[Number], name_spans: list[tuple[int, int]]
) -> Number | None:
    """The number after a name with only filler between; after a counted name (`3 epochs`) only as in `epochs: 3`."""
    number = next((candidate for candidate in text_numbers if candidate.start >= match.end()), None)
    if number is None or not parameter.accepts(number.value, number.suffix):
        return None
    gap = text[match.end() : number.start]
    if parameter.counted and not re.search(r"[:=]", gap):
        counts = re.match(r"num|max|total|#|train", match[0], re.IGNORECASE)
        if not (counts and re.search(r"\b(?:is|was|are|of)\b", gap)):
            return None
    if len(gap) > _FARTHEST:
        return None
    fillers, position = _WARMUP_FILLER if parameter.name == "warmup" else _FILLER, 0
    while position < len(gap):
        token = _TOKEN.match(gap, position)
        if token is None or (token["word"] and token["word"].lower() not in fillers):
            return None
        position = token.end()
    return None if _is_other(parameter, text, number, name_spans) else number


def _is_other(parameter: Parameter, text: str, number: Number, name_spans: list[tuple[int, int]]) -> bool:
    """Whether the number counts something else, or is the value of a name that follows it."""
    unit_match = _UNIT.match(text, number.end)
    if unit_match:
        return not (parameter.units and re.match(rf"(?:\w+ )?(?:{parameter.units})\b", unit_match["unit"] or "", re.IGNORECASE))
    return any(start in (number.end, number.end + 1) for start, _ in name_spans)


def _continues(text: str, position: int, name_spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a list continues after a number: `1e-5, 3e-5`; not where the next number has a unit or a name of its own."""
    qualification = _COUNTED_FOR.match(text, position)
    separator = _NEXT.match(text, qualification.end() if qualification else position)
    number = at(text, separator.end()) if separator else None
    if number is None:
        return False
    return not (_UNIT.match(text, number.end) or any(0 <= start - number.end <= 12 for start, _ in name_spans))


def _link(parameter: Parameter, text: str, number: Number, phrase: str, certain: bool) -> _Link:
    unit, value = _with_unit(parameter, text, number, phrase)
    per_device = _PER_DEVICE.match(text, number.end) if parameter.name == "batch_size" else None
    context = qualifier(parameter.name, f"{phrase} {per_device[1]}" if per_device else phrase)
    return _Link(value, number.start, number.end, unit, context, certain)


def qualifier(name: str, words: str) -> str | None:
    """The qualifier in a name: `global`, `per-device`, `prompt`; values with different ones do not contradict each other."""
    if name not in ("batch_size", "max_length"):
        return None
    return " ".join(dict.fromkeys(word.lower() for word in QUALIFIERS.findall(words))) or None


def _with_unit(parameter: Parameter, text: str, number: Number, phrase: str) -> tuple[str | None, Value]:
    unit_match = _UNIT.match(text, number.end)
    unit = re.sub(r".* ", "", (unit_match["unit"] or "").lower()).rstrip("s") if unit_match else ""
    if number.suffix == "%":
        return "ratio", float(plain_number(number.value / 100))
    if number.suffix == "k" and parameter.name == "max_length":  # 4k may mean 4,000 or 4,096
        return "tokens", number.text
    value = int(number.value) if number.value == int(number.value) else float(plain_number(number.value))
    if parameter.name == "warmup":
        if unit in ("step", "iteration", "update", "epoch"):
            return "epochs" if unit == "epoch" else "steps", value
        if 0 < number.value < 1:
            return "ratio", value
        return "steps" if re.search(r"step|iteration", phrase, re.IGNORECASE) else "epochs" if "epoch" in phrase else None, value
    return {"max_length": "tokens", "batch_size": _BATCH_UNITS.get(unit)}.get(parameter.name), value


def _unused(parameter: Parameter, text: str) -> _Link | None:
    """A link without a value for a parameter that the sentence says is not used; else None."""
    for match in parameter.mention.finditer(text) if parameter.name in _OPTIONAL else ():
        negation = _NONE.search(text, max(match.start() - 40, 0), match.start())
        if negation and (negation[0].lower() != "no " or _NOT_USED.match(text, match.end())):
            return _Link(None, negation.start(), match.end())
    return None


def _is_partial(text: str, link: _Link) -> bool:
    """Whether the value holds for only a part of the models or data, other than a stage of training."""
    for match in (_LEAD.search(text, 0, link.start), _TAIL.match(text, link.end)):
        subject = (match["what"] or "the 6B model") if match else ""
        words = re.findall(r"[\w-]+", subject.lower())
        # These words do not limit the value to a part: `3 epochs`, `all runs`, `a batch size …`, a stage.
        counted = re.match(r"(?:an? |the )?(?:total of |maximum of |first )?(?:\d[\d,.]*[kM]?[\s-]|one |two |three )", subject)
        general = counted or all(word in _GENERAL for word in words[:3])
        general = general or any(parameter.mention.search(subject) for parameter in PARAMETERS)
        if subject and not (general or stages.of_titles([subject], "temperature")):
            return True
    return False


def _place(parameter: Parameter, text: str, text_numbers: list[Number]) -> tuple[int, int] | None:
    """The center of a quote: the possible value nearest to a cue, or a negation or hyphenated number near one."""
    cues = [match.start() for match in parameter.cue.finditer(text)][:20]
    fitting = [number for number in text_numbers if parameter.accepts(number.value, number.suffix)]
    if fitting:
        best = min(fitting, key=lambda number: min(abs(number.start - cue) for cue in cues))
        if min(abs(best.start - cue) for cue in cues) <= _FARTHEST_QUOTED:
            return best.start, best.end
    match = _NEGATION.search(text) or _HYPHENATED.search(text)
    return match.span() if match and min(abs(match.start() - cue) for cue in cues) < 60 else None


def value_of(name: str, cell: str, title: str) -> tuple[list[Value], str | None, bool]:
    """The possible values of a table's cell, their unit, and whether the cell holds exactly one and thus is certain."""
    reading = plain(cell).text.strip()
    outside = re.sub(r"\([^()]*\)", lambda match: " " * len(match[0]), reading)
    choice = next((each for each in CHOICES if each.name == name), None)
    if choice:
        names = (
            dict.fromkeys(choice.canonical(match[0]) for match in choice.values.finditer(reading)) if len(reading) < 80 else {}
        )
        return [*names], None, len(names) == 1 and not re.match(r"\w+\s+warm", reading)
    parameter = BY_NAME[name]
    if name in _OPTIONAL and _OFF.fullmatch(reading):
        return [None], None, True
    fitting = [number for number in numbers(reading) if parameter.accepts(number.value, number.suffix)]
    if not fitting:
        return [], None, False
    outside_numbers = list(numbers(outside))
    alone = (
        len(outside_numbers) == 1
        and outside_numbers[0].start == fitting[0].start
        and not outside[: outside_numbers[0].start].strip(" ~≈=$")
    )
    product = re.match(r"\s*[×x*]\s*\d", outside[outside_numbers[0].end :]) if outside_numbers else None
    certain = alone and not product and bool(_CELL_REST.match(outside, outside_numbers[0].end))
    values = [_with_unit(parameter, reading, number, title)[1] for number in fitting]
    return values[: 1 if certain else 12], _with_unit(parameter, reading, fitting[0], title)[0], certain
