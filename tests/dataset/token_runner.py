"""Run by the training interpreter: makes models in a folder, and says how many tokens rows have to transformers and to TRL.

stdin: {"folder", "rows": {name: {"method", "rows"}}}; stdout: {"counts": {model: {name: [tokens or error]}}, "trained": {name: [tokens]}}.
"""

import contextlib
import json
import os
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", TRL_EXPERIMENTAL_SILENCE="1")

import datasets
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer
from truth_runner import TEMPLATE, config, make_tokenizer

LLAMA = (
    "{{- bos_token }}{%- if not date_string is defined %}{%- set date_string = '26 Nov 2026' %}{%- endif %}"
    "{%- if tools is not none %}{{- '<|start|>tools' }}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}{%- endif %}\n"
    "{%- for message in messages %}\n    {%- if not message.content and not message.tool_calls %}\n        {%- continue %}\n    {%- endif %}\n"
    "    {{- '<|start|>' + message['role'] + '\\n\\n' + (message['content'] or '') | trim }}"
    "{%- for call in message.tool_calls or [] %}{{- call.function.arguments | tojson }}{%- endfor %}{{- '<|end|>' }}\n{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start|>assistant\\n\\n' }}{%- endif %}"
)
STRICT = (
    "{% set ns = namespace(n=0) %}{% for m in messages %}{% if (m.role == 'user') != (ns.n % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% set ns.n = ns.n + 1 %}"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}"
    "{% else %}[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}"
)
REASONING = "{% for m in messages %}{{ m.role }}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }};{% endfor %}"


def with_bos(texts):
    """Adds a start token to plain text, cuts at 16 tokens and pads: what is saved with it must not reach the count."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<|begin|>", "<|start|>", "<|end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=500, special_tokens=special, initial_alphabet=alphabet))
    tokenizer.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=24)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|end|>")


def unigram(texts):
    """As SentencePiece makes them."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<unk>", "<s>", "</s>"]
    tokenizer.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def make_models(folder, texts):
    made = {"chatml": make_tokenizer(texts), "llama": with_bos(texts), "strict": unigram(texts), "reasoning": unigram(texts)}
    made["two templates"] = with_bos(texts)
    made["in the settings"] = make_tokenizer(texts)
    templates = {"chatml": TEMPLATE, "llama": LLAMA, "strict": STRICT, "reasoning": REASONING, "in the settings": TEMPLATE}
    for name, tokenizer in made.items():
        tokenizer.chat_template = templates.get(name, {"default": TEMPLATE, "tool_use": LLAMA})
        tokenizer.save_pretrained(f"{folder}/{name}", save_jinja_files=name != "in the settings")
    return {name: transformers.AutoTokenizer.from_pretrained(f"{folder}/{name}") for name in made}


def count(tokenizer, method, row):
    """Tokens of one row, by transformers alone."""
    tools = row.get("tools")
    tools = json.loads(tools) if isinstance(tools, str) else tools
    if "messages" in row:
        chats, ask = [row["messages"]], False
    elif isinstance(row["prompt"], list):
        ends = [row[name] for name in ("completion", "chosen", "rejected") if name in row] if method != "grpo" else [[]]
        chats, ask = [row["prompt"] + end for end in ends], method == "grpo"
    else:
        ends = [row[name] + tokenizer.eos_token for name in ("completion", "chosen", "rejected") if name in row]
        return max(len(tokenizer(row["prompt"] + end)["input_ids"]) for end in ends)
    made = [tokenizer.apply_chat_template(chat, tools=tools, add_generation_prompt=ask, return_dict=True) for chat in chats]
    return max(len(item["input_ids"]) for item in made)


def counted(tokenizer, method, rows):
    try:
        if "text" in rows[0]:
            return [len(tokenizer(row["text"] + tokenizer.eos_token)["input_ids"]) for row in rows]
        return [count(tokenizer, method, row) for row in rows]
    except Exception as err:
        return f"{type(err).__name__}: {err}"


def prepared(method, rows, tokenizer, folder):
    """Tokens of each row in what the real trainer makes of the dataset."""
    trainer_class, config_class = {
        "sft": (SFTTrainer, SFTConfig),
        "dpo": (DPOTrainer, DPOConfig),
        "kto": (KTOTrainer, KTOConfig),
    }[method]
    args = config_class(
        output_dir=folder, max_length=None, report_to="none", use_cpu=True, bf16=False, per_device_train_batch_size=2
    )
    dataset = datasets.Dataset.from_list(rows)
    model = LlamaForCausalLM(config(tokenizer))
    model.save_pretrained(f"{folder}/model")
    model = LlamaForCausalLM.from_pretrained(f"{folder}/model")
    made = trainer_class(model=model, args=args, train_dataset=dataset, processing_class=tokenizer).train_dataset
    if method == "sft":
        return [len(row["input_ids"]) for row in made]
    names = ("chosen_ids", "rejected_ids") if method == "dpo" else ("completion_ids",)
    return [len(row["prompt_ids"]) + max(len(row[name]) for name in names) for row in made]


def main():
    datasets.disable_caching()
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    asked = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as scratch:
        made = make_models(asked["folder"], [json.dumps(item["rows"]) for item in asked["rows"].values()])
        counts = {
            model: {name: counted(tokenizer, item["method"], item["rows"]) for name, item in asked["rows"].items()}
            for model, tokenizer in made.items()
        }
        trained = {
            name: prepared(item["method"], item["rows"], made["chatml"], scratch)
            for name, item in asked["rows"].items()
            if item["method"] in ("sft", "dpo", "kto") and "tools" not in item["rows"][0]
        }
    print(json.dumps({"counts": counts, "trained": trained}))


if __name__ == "__main__":
    main()
