"""The model's part in test_headless: a scenario for the lab's scripted_model.py, which runs it (Python 3.8, nothing installed).

It does what the skill says and decides by what it reads: the compute recommendation, the audit's findings, the recipe's own
text, the pre-flight verdict, the losses in the log. Where a step's answer is not what the skill demands, it stops.
"""

import json
import re

REQUEST = "/ml-train fine-tune the tiny model that make_tiny_model.py makes on examples/chat.jsonl, full SFT, 10 steps, local"
UNANSWERED = 'data = data.filter(lambda row: any(turn["role"] == "assistant" for turn in row["messages"]))\n'


class Stop(Exception):
    """A step did not give what the next one needs."""


def respond(request, state):
    """Called by the scripted model for every request; side requests carry no tools."""
    if not request.get("tools"):
        return {"text": "fine-tuning"}
    try:
        turn = state["play"].send(newest_result(request)) if "play" in state else start(request, state)
        state["last"] = turn
    except Stop as reason:
        state["last"] = {"text": f"RESULT: stopped: {reason}"}
    except StopIteration:
        pass  # background work that ended wakes the session once more: the result stays the result
    return state["last"]


def start(request, state):
    asked = next(text for text in user_texts(request) if "<command-name>/ml-intern:ml-train" in text)
    root = found(r'"(/[^"]+)/scripts/launch" --env training', asked)
    state["play"] = play(root)
    return next(state["play"])


def play(root):
    """One turn after another; each `yield` hands a turn over and gets the newest tool result back."""
    training = f'"{root}/scripts/launch" --env training '
    yield use("Skill", skill="ml-intern:ml-intern")
    text = yield use("Read", file_path=root + "/skills/ml-intern/references/headless-mode.md")
    found("Never end a turn with text while the task is open", text)
    where = found(r'"compute_mode_recommendation": "(\w+)"', (yield bash(helper(root, "detect_compute"))))
    if where != "local":
        raise Stop(f"compute says {where}")
    found(r"\AAGREED: OPEN: sft \(full\) of tiny, local", (yield bash(agreement(root, where))))
    yield use("Write", file_path=".ml-intern/plan.md", content=plan(0))
    audit = yield bash(helper(root, "inspect_dataset") + f' "{root}/examples/chat.jsonl" --method sft')
    found(r"\AREADY for sft", audit)
    row = found(r":(\d+): 'messages' ends with a turn that is not the assistant's", audit)
    yield bash(training + f'"{root}/examples/make_tiny_model.py" --data "{root}/examples/chat.jsonl" --output tiny')
    recipe = unnumbered((yield use("Read", file_path=root + "/skills/ml-intern/recipes/sft.py")))
    yield use("Write", file_path="train.py", content=adapted(recipe, root))
    yield use("Write", file_path=".ml-intern/plan.md", content=plan(3))
    verdict = yield bash(helper(root, "preflight_check") + " train.py --local")
    found(r"\APASS", verdict)
    smoke = yield bash("MAX_STEPS=2 " + training + "train.py --output smoke")
    found(r"'train_loss': '[\d.]+'", smoke)
    started = yield bash("MAX_STEPS=10 " + training + "train.py --output tuned", run_in_background=True)
    log = found(r"Output is being written to: (/.+?\.output)", started)
    text = ""
    for _ in range(40):
        if "'train_runtime'" in text:
            break
        yield bash("for i in 1 2; do sleep 1; done")
        text = yield use("Read", file_path=log)
    losses = re.findall(r"'eval_loss': '([\d.]+)'", text)
    found(r"'train_runtime'", text)
    yield use("Write", file_path=".ml-intern/plan.md", content=plan(6))
    yield {"text": report(where, row, losses)}


def agreement(root, where):
    """`task agree` with what the request says; for the rest, what the recipe has."""
    data = f'--dataset "{root}/examples/chat.jsonl"'
    sizes = "--max-length 128 --effective-batch 16 --tracking trackio --time-budget 1h"
    said = '--request "fine-tune the tiny model on chat.jsonl" --method sft --adapter full --base-model tiny'
    return f"{helper(root, 'task')} agree {said} {data} {sizes} --where {where}"


def adapted(recipe, root):
    """The recipe for this task: model, data, the row the audit warned of, sizes for a tiny model."""
    changes = {
        '"Qwen/Qwen3-0.6B"': '"tiny"',
        '"HuggingFaceH4/ultrachat_200k"': json.dumps(root + "/examples/chat.jsonl"),
        "default=2048": "default=128",
        "data = data.select_columns(columns)": UNANSWERED + "data = data.select_columns(columns)",
    }
    for old, new in changes.items():
        if recipe.count(old) != 1:
            raise Stop(f"the recipe has {old!r} {recipe.count(old)} times")
        recipe = recipe.replace(old, new)
    return recipe


def plan(done):
    steps = ["compute: local", "audit chat.jsonl", "train.py from recipes/sft.py", "preflight", "smoke run", "train"]
    boxes = [f"- [{'x' if number < done else ' '}] {step}" for number, step in enumerate(steps)]
    return "\n".join(["# Plan", *boxes, ""])


def report(where, row, losses):
    fell = "fell" if float(losses[-1]) < float(losses[0]) else "did not fall"
    lines = [f"RESULT: done: full SFT of the tiny model, trained {where}", "model: tuned/, saved by the run"]
    lines.append(f"held-out loss {fell} from {losses[0]} to {losses[-1]}; row {row} has no answer and was left out")
    return "\n".join(lines)


def helper(root, name):
    return f'"{root}/skills/ml-intern/scripts/{name}.sh"'


def bash(command, **more):
    return use("Bash", command=command, description="step", timeout=300000, **more)


def use(tool, **arguments):
    return {"tool": tool, "input": arguments}


def found(pattern, text):
    hit = re.search(pattern, text)
    if hit is None:
        raise Stop(f"no {pattern!r} in: {text[-1500:]}")
    return hit.group(1) if hit.groups() else hit.group(0)


def unnumbered(text):
    """What the Read tool shows, without its line numbers."""
    return "".join(re.sub(r"^ *\d+(?:\t|→)", "", line) + "\n" for line in text.split("\n") if re.match(r"^ *\d+(?:\t|→)", line))


def user_texts(request):
    return [flat(message["content"]) for message in request["messages"] if message["role"] == "user"]


def newest_result(request):
    blocks = [block for message in request["messages"] if isinstance(message["content"], list) for block in message["content"]]
    results = [flat(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
    return results[-1]


def flat(content):
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content or [] if block.get("type") == "text")
