"""The model's part in test_research: a scenario for the lab's scripted_model.py, which runs it (Python 3.8, nothing installed).

The main thread does what /ml-research says; the researcher goes the way of its own instructions and builds its table from what
the helpers print. Where an answer does not hold what the next step needs, the play stops and says so. ASPECTS in the
environment is the number of researchers that one message starts.
"""

import re


class Stop(Exception):
    """A step did not give what the next one needs."""


def respond(request, state):
    """Called by the scripted model for every request; side requests carry no tools."""
    if not request.get("tools"):
        return {"text": "research"}
    worker = "You research training recipes" in flat(request.get("system"))
    key = found(r"aspect \d", flat(request["messages"][0]["content"])) if worker else "main"
    plays = state.setdefault("plays", {})
    try:
        if key not in plays:
            plays[key] = (researcher if worker else main)(request)
            state[key] = next(plays[key])
        else:
            state[key] = plays[key].send(newest_results(request))
    except Stop as reason:
        state[key] = {"text": f"STOPPED: {reason}"}
    except StopIteration:
        pass
    return state[key]


def main(request):
    asked = next(text for text in user_texts(request) if "<command-name>/ml-intern:ml-research" in text)
    root = found(r'"(/[^"]+)/skills/ml-intern/scripts/inspect_dataset', asked)
    aspects = int(found(r"<request>\n.*\b(\d) aspects?\n</request>", asked))
    prompts = [f"Target: GSM8K, 1.5B, one GPU. 2 papers in depth. aspect {number}" for number in range(aspects)]
    calls = [
        {
            "name": "Agent",
            "input": {
                "description": "papers",
                "prompt": prompt,
                "subagent_type": "ml-intern:ml-paper-researcher",
                "run_in_background": False,
            },
        }
        for prompt in prompts
    ]
    reports = yield {"tools": calls}
    if "RECIPES" not in reports[-1]:
        found("No such tool|not enabled|denied", reports[-1])
        text = (yield use("Read", file_path=root + "/skills/ml-intern/references/paper-crawl.md"))[-1]
        found("## Order", text)
        reports = [(yield from the_way(root, "alone"))]
    for report in reports:
        found("RECIPES", report)
    dataset = found(r"(\w+/[\w-]+) yes", reports[0])
    verdict = yield from patiently(helper(root, "inspect_dataset") + f" {dataset} --method grpo")
    found(r"(?m)^READY for grpo", verdict)
    rows = [line.strip() for report in reports for line in report.split("\n") if re.match(r"\s*\| \d", line)]
    yield {"text": "\n".join(["RESULT: ranked recipes", *rows, "inspect_dataset: " + found("READY for .*", verdict)])}


def researcher(request):
    root = found(r'"(/[^"]+)/skills/ml-intern/scripts/crawl_arxiv\.sh"', flat(request["system"]))
    report = yield from the_way(root, found(r"aspect \d", flat(request["messages"][0]["content"])))
    yield {"text": report}


def the_way(root, who):
    """Search, graph, recipe, section, paper page, dataset: each step decides by what the last one printed."""
    crawl = helper(root, "crawl_arxiv")
    yield bash(crawl + ' notes "math"')
    hits = (yield bash(crawl + ' search "math reasoning" --since 2024'))[-1]
    landmark = found(r"(?m)^\d+\. \[(\d{4}\.\d{5})v\d\] Group Policies", hits)
    graph = (yield bash(crawl + " graph " + landmark))[-1]
    best = found(r"INFLUENTIAL \[(\d{4}\.\d{5})\] Clipped", graph)
    both = yield {"tools": [call(crawl + " recipe " + best), call(crawl + " recipe " + landmark)]}
    recipe = next(text for text in both if text.startswith("recipe of arXiv:" + best))
    rate = found(r"learning_rate:\n  (\S+)", recipe)
    dataset = found(r"on the Hub: dataset ([\w./-]+)", recipe)
    section = (yield bash(crawl + f" read {best} --section method"))[-1]
    found("learning rate of " + re.escape(rate), section)
    table = (yield bash(crawl + f" read {best} --section 'Table 1'"))[-1]
    base, ours = (found(rf"\| {who} +\| ([\d.]+)", table) for who in ("Base", "Ours"))
    meta = (yield bash(helper(root, "hf_paper_meta") + " " + best))[-1]
    code = found(r"code: (https://\S+)", meta)
    found(r"(?m)^READY for grpo", (yield from patiently(helper(root, "inspect_dataset") + f" {dataset} --method grpo")))
    words = f'"clipping carries the gain ({who})" --quote "with a learning rate of {rate}" --place "Section 3"'
    yield bash(crawl + f" notes add {best} {words}")
    head = "| # | paper (arXiv id, year) | base model | method + key settings | dataset (Hub id, checked?)"
    head += " | result vs baseline | source (section/table) | hardware | code |"
    row = f"| 1 | Clipped, {best} | Qwen2.5-1.5B | GRPO, lr {rate} | {dataset} yes"
    row += f" | GSM8K {ours} vs {base} | Section 3, Table 1 | 8 A100 | {code} |"
    lines = [
        "TARGET: math reasoning, GSM8K, 1.5B",
        "RECIPES (best first)",
        head,
        "|---" * 9 + "|",
        row,
    ]
    lines += [f"RECOMMENDED: 1; lr {rate} ({best}, Section 3)", "TRANSFER RISK: none known", "CONFLICTS: none"]
    return "\n".join([*lines, "NOT FOUND / NOT READ: the landmark's method section, its appendix"])


def patiently(command):
    """A busy machine makes its services slow: what says "ask again later" is asked again."""
    for _ in range(4):
        text = (yield bash(command))[-1]
        if "ask again later" not in text:
            break
    return text


def helper(root, name):
    return f'"{root}/skills/ml-intern/scripts/{name}.sh"'


def call(command):
    return {"name": "Bash", "input": {"command": command, "description": "step"}}


def bash(command):
    return {"tools": [call(command)]}


def use(tool, **arguments):
    return {"tools": [{"name": tool, "input": arguments}]}


def found(pattern, text):
    hit = re.search(pattern, text)
    if hit is None:
        raise Stop(f"no {pattern!r} in: {text[-1500:]}")
    return hit.group(1) if hit.groups() else hit.group(0)


def user_texts(request):
    return [flat(message["content"]) for message in request["messages"] if message["role"] == "user"]


def newest_results(request):
    """The results of the newest message that holds any, in its order."""
    for message in reversed(request["messages"]):
        blocks = message["content"] if isinstance(message["content"], list) else []
        results = [flat(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
        if results:
            return results
    return []


def flat(content):
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content or [] if block.get("type") == "text")
