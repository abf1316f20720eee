"""Texts as datasets have them, generated: sentences that rarely repeat, in several languages, code, formulas."""

from __future__ import annotations

import random

WORDS: dict[str, dict[str, list[str]]] = {
    "English": {
        "start": ["the old", "a small", "this quiet", "every second", "their new", "one of the", "that late", "our first"],
        "who": [
            "baker",
            "engineer",
            "sailor",
            "teacher",
            "gardener",
            "pilot",
            "doctor",
            "painter",
            "farmer",
            "editor",
            "librarian",
            "carpenter",
        ],
        "did": [
            "described",
            "repaired",
            "carried",
            "measured",
            "ignored",
            "forgot",
            "translated",
            "collected",
            "admired",
            "ordered",
            "finished",
        ],
        "what": [
            "bridge",
            "letter",
            "engine",
            "garden",
            "recipe",
            "map",
            "theory",
            "bicycle",
            "window",
            "village",
            "festival",
            "river",
            "instrument",
        ],
        "end": [
            "before the winter came",
            "because it was not what they wanted",
            "with a great deal of care",
            "and then went home",
            "which had been there for years",
            "when nobody would have expected it",
            "so that the others could see how it works",
            "from the beginning of that week",
        ],
    },
    "German": {
        "start": ["der alte", "die kleine", "das neue", "ein guter", "jeder zweite", "auch die"],
        "who": ["Bäcker", "Lehrerin", "Gärtner", "Kapitän", "Ärztin", "Maler", "Bäuerin"],
        "did": ["hat nicht mit", "wird für", "ist auch auf", "war über", "kam durch"],
        "what": ["die Brücke", "den Brief", "das Fenster", "dem Fluss", "einen Garten", "die Straße"],
        "end": ["und das ist nicht so", "wie werden sie das sehen", "oder auch mit dem Rad", "dass es für alle reicht"],
    },
    "French": {
        "start": ["le vieux", "la petite", "les autres", "une nouvelle", "cette grande"],
        "who": ["boulanger", "professeure", "médecin", "élève", "château", "garçon"],
        "did": ["est dans", "sont pour", "avec", "n'est pas sur", "était déjà à"],
        "what": ["une fenêtre", "des forêts", "les villes", "la rivière où", "ces idées"],
        "end": ["pour qui est une fête", "et vous ne l'avez pas", "avec des amis dans la rue", "sur les toits de cette ville"],
    },
    "Portuguese": {
        "start": ["o velho", "uma nova", "os outros", "NÃO SEI SE", "a MAÇÃ", "são as"],
        "who": ["padeiro", "irmã", "João", "médica", "capitão"],
        "did": ["não é", "está com", "foi para", "tem uma", "também são"],
        "what": ["ponte", "canção", "maçã", "situação", "coração"],
        "end": ["para que não seja mais", "com uma ideia do que é", "e você também", "quando ele foi pelo rio"],
    },
    "Spanish": {
        "start": ["el viejo", "la niña", "los otros", "una nueva", "las dos"],
        "who": ["panadero", "señora", "capitán", "médico"],
        "did": ["está con", "es por", "no se", "fue hasta"],
        "what": ["el puente", "la canción", "los años", "la montaña"],
        "end": ["pero también para su casa", "como más tarde se verá", "y muy bien por el camino", "cuando los niños duermen"],
    },
    "Vietnamese": {
        "start": ["những người", "một ngôi", "các em"],
        "who": ["thợ", "nhà", "học sinh"],
        "did": ["không được", "đã có", "là của", "cho và"],
        "what": ["cây cầu", "bức thư", "Âu Lạc", "Ân huệ"],
        "end": ["trong khi từ đó", "với một người và những điều này", "cũng như để cho các bạn"],
    },
}
CHINESE = "老人在河边修理一座小桥因为春天的水太大了孩子们每天都要走过去上学他们说谢谢老师听见以后很高兴把故事写进书里"
JAPANESE = "古い橋のそばで先生は子どもたちに話をしました春の川はとても大きくて毎日みんなで歩きながら歌をうたいます"
ARABIC = "كان الرجل العجوز يصلح الجسر الصغير قرب النهر لأن الماء في الربيع كثير والأطفال يذهبون كل يوم إلى المدرسة"
RUSSIAN = "старый мастер чинил маленький мост у реки потому что весной воды бывает много и дети каждый день ходят в школу"


def sentence(draw: random.Random, language: str = "English") -> str:
    """One sentence; the pieces multiply to some ten thousand."""
    words = WORDS[language]
    parts = [draw.choice(words[part]) for part in ("start", "who", "did", "start", "what", "end")]
    return " ".join(parts).capitalize() + "."


def prose(seed: int, sentences: int = 6, language: str = "English") -> str:
    """A paragraph that no other seed has."""
    draw = random.Random(f"{language} {seed}")
    return " ".join(sentence(draw, language) for _ in range(sentences))


def script(seed: int, letters: str, length: int = 60) -> str:
    """Characters or words of a text in another script, in an order of their own."""
    draw = random.Random(seed)
    if " " in letters:
        return " ".join(draw.choices(letters.split(), k=length // 3))
    return "".join(draw.choices(letters, k=length)) + "。"


def code(seed: int) -> str:
    """A Python function."""
    draw = random.Random(seed)
    name, other = draw.choice(["merge", "split", "rank", "parse", "fold"]), draw.choice("abcdefgh")
    first, second = draw.randrange(2, 900), draw.randrange(2, 900)
    return (
        f"```python\ndef {name}_{seed}({other}, limit={first}):\n    found = {{}}\n    for item in {other}[::{second}]:\n"
        f'        if item & 0x{first:x} and "{name}" not in found:\n            found[item] = item ** 2 % {second}  # keep\n'
        f"    return sorted(found, key=lambda x: -x)[:{draw.randrange(90)}]\n```"
    )


def maths(seed: int) -> str:
    """A word problem's solution with formulas."""
    draw = random.Random(seed)
    a, b, c = (draw.randrange(2, 99) for _ in range(3))
    return (
        f"We have $\\frac{{{a}}}{{{b}}} + {c}x^2 = {a * c}$, so x+{a} {b * 100} < {c}000 and {a}*{b}=<<{a}*{b}={a * b}>>{a * b}. "
        f"Let \\alpha_{a} = {b}.{c:02d} \\times 10^{{-{c}}} & \\beta &= {a}; then 4{a:03d} - 5{b:03d} + 1 000 000 = {a * b - c}.\n#### {a * b}"
    )
