"""Pages and PDFs of papers, made up for tests: the markup is LaTeXML's, the words are ours."""

from __future__ import annotations

from html import escape

from support.loopback import Answer, Loopback

PAPER = "2401.00001"
HYPERPARAMETERS = [("Learning rate", "1e-6"), ("Batch size", "128"), ("KL coefficient", "0.001"), ("LoRA rank", "64")]


def math(tex: str) -> str:
    """A formula as LaTeXML writes it: alternative text, presentation, annotation."""
    body = f'<semantics><mrow><mi>{escape(tex[:3])}</mi></mrow><annotation encoding="application/x-tex">{escape(tex)}</annotation></semantics>'
    return f'<math class="ltx_Math" alttext="{escape(tex, quote=True)}" display="inline">{body}</math>'


def para(text: str) -> str:
    return f'<div class="ltx_para"><p class="ltx_p">{text}</p></div>'


def section(number: str, title: str, *content: str, kind: str = "section") -> str:
    tag = f"Appendix {number}" if kind == "appendix" else number
    head = f'<h2 class="ltx_title ltx_title_{kind}"><span class="ltx_tag ltx_tag_{kind}">{tag} </span>{title}</h2>'
    return f'<section class="ltx_{kind}">{head}{"".join(content)}</section>'


def table(label: str, caption: str, rows: list[list[str]]) -> str:
    cells = "".join('<tr class="ltx_tr">' + "".join(f'<td class="ltx_td">{cell}</td>' for cell in row) + "</tr>" for row in rows)
    head = f'<figcaption class="ltx_caption"><span class="ltx_tag ltx_tag_table">{label}: </span>{caption}</figcaption>'
    return f'<figure class="ltx_table"><table class="ltx_tabular"><tbody>{cells}</tbody></table>{head}</figure>'


def page(
    *content: str, title: str = "A Study of Small Policies", watermark: str | None = f"arXiv:{PAPER}v3 [cs.CL] 2 Jan 2024"
) -> str:
    """A whole arXiv HTML page around these sections."""
    mark = f'<div id="watermark-tr">{watermark}</div>' if watermark else ""
    head = '<head><title>x</title><script>alert("never shown")</script></head>'
    menu = '<nav class="ltx_page_navbar"><ol><li class="ltx_tocentry">1 Introduction of the menu</li></ol></nav>'
    abstract = f'<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6>{para("We train small policies.")}</div>'
    article = f'<article class="ltx_document"><h1 class="ltx_title ltx_title_document">{title}</h1>{abstract}{"".join(content)}</article>'
    return f"<!DOCTYPE html><html>{head}<body>{menu}{mark}{article}</body></html>"


def study() -> str:
    """A paper with everything: formulas, tables, a figure, a footnote, an appendix, references, links to the Hub."""
    note = (
        '<span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">1</sup><span class="ltx_note_content">'
        '<sup class="ltx_note_mark">1</sup><span class="ltx_tag ltx_tag_note">1</span>Seeds are fixed.</span></span>'
    )
    link = '<a class="ltx_ref" href="https://huggingface.co/datasets/ada/chat">the data</a>'
    equation = (
        '<table class="ltx_equation ltx_eqn_table"><tbody><tr class="ltx_equation ltx_eqn_row"><td class="ltx_eqn_cell"></td>'
        f'<td class="ltx_eqn_cell">{math("L=-")}</td><td class="ltx_eqn_cell">{math("r(x)")}</td>'
        '<td><span class="ltx_tag ltx_tag_equation">(1)</span></td></tr></tbody></table>'
    )
    figure = (
        '<figure class="ltx_figure"><img src="x1.png" class="ltx_graphics"><figcaption class="ltx_caption">'
        '<span class="ltx_tag ltx_tag_figure">Figure 1: </span>The loop.</figcaption></figure>'
    )
    references = (
        '<section class="ltx_bibliography"><h2 class="ltx_title ltx_title_bibliography">References</h2><ul class="ltx_biblist">'
        '<li class="ltx_bibitem"><span class="ltx_tag ltx_tag_bibitem">[1]</span><span class="ltx_bibblock">A. Author. A Title. 2020.</span></li></ul></section>'
    )
    scores = [
        ["Model", "GSM8K", "MATH"],
        ["Base", "61.0", "30.1"],
        ["Ours", '<span class="ltx_text ltx_font_bold">75.2</span>', "41.7"],
    ]
    return page(
        section("1", "Introduction", para("Small models matter.")),
        section("2", "Related Work", para("Earlier work used a learning rate of 5e-4 for its policies.")),
        section(
            "3",
            "Policy Distillation",
            para(f"We start from Qwen/Qwen2.5-1.5B-Instruct and train it with GRPO on {link}.{note}"),
            equation,
            para(f"The learning rate is {math(r'2' + chr(92) + 'times 10^{-6}')} and we use the AdamW optimizer."),
            figure,
        ),
        section(
            "4",
            "Experiments",
            para("We sample 8 responses per prompt with a temperature of 1.0. Training took 12 hours on 8 A100 GPUs."),
            para("Our model reaches 75.2% accuracy on GSM8K."),
            table("Table 1", "Scores on two benchmarks.", scores),
        ),
        section("5", "Conclusion", para("It works.")),
        references,
        section(
            "A",
            "Training Details",
            table("Table 2", "Settings of LoRA.", [list(row) for row in HYPERPARAMETERS]),
            kind="appendix",
        ),
    )


def html(body: str | bytes, status: int = 200) -> Answer:
    raw = body.encode() if isinstance(body, str) else body
    return Answer(raw, status, {"content-type": "text/html; charset=utf-8"})


def pdf(*pages: list[str]) -> bytes:
    """A PDF with these lines of text on its pages, as small as one may be."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    kids = []
    for lines in pages:
        text = "BT /F1 10 Tf 14 TL 50 780 Td " + " ".join(f"({_escaped(line)}) Tj T*" for line in lines) + " ET"
        objects.append(f"<</Length {len(text)}>>stream\n{text}\nendstream")
        font = "<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {len(objects)} 0 R/Resources{font}>>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    tail = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    return out + tail.encode()


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


PDF_LINES = [
    "A Study of Small Policies",
    f"arXiv:{PAPER}v2 [cs.CL] 1 Jan 2024",
    "Abstract",
    "We train small policies and say how in all the detail that anybody could wish for, which",
    "takes a second line.",
    "1 Introduction",
    "Small models matter to many people who train them on small machines, and fine-",
    "tuning them is cheap.",
    "2 Method",
    "We use a learning rate of 3e-6 and a batch size of 64 for all of our training runs, what-",
    "ever the model.",
    "2.1 Data",
    "7 Samples Of Numbers That Are No Heading",
    "We train on the UltraFeedback dataset.",
    "References",
    "[1] A. Author. A title. 2020.",
    "[2] B. Author. Another title. 2021.",
    "A Training Details",
    "The weight decay is 0.1.",
]


def read_urls(service: Loopback, **extra: str) -> dict[str, str]:
    """The environment that sends everything a paper is read from to loopback."""
    names = ("HF_ENDPOINT", "ML_INTERN_ARXIV_URL", "ML_INTERN_ARXIV_HTML_URL", "ML_INTERN_AR5IV_URL")
    return {**dict.fromkeys(names, service.url), **extra}
