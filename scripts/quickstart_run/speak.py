"""Lets models answer questions, greedily. Runs in the training environment.

    python speak.py QUESTIONS.json MODEL…

QUESTIONS.json is a list of strings. Prints JSON: for each model folder the list of its replies.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

LONGEST_REPLY_TOKENS = 60


def replies(folder: str, questions: list[str]) -> list[str]:
    """The model saved in `folder` answers each question on its own."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    answers = []
    for question in questions:
        asked = [{"role": "user", "content": question}]
        inputs = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        out = model.generate(**inputs, max_new_tokens=LONGEST_REPLY_TOKENS, do_sample=False)
        answers.append(tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
    return answers


if __name__ == "__main__":
    questions = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps({folder: replies(folder, questions) for folder in sys.argv[2:]}))
