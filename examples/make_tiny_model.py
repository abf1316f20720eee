"""Makes a tiny Llama and its tokenizer from a chat data set, in seconds and without a network.

    python examples/make_tiny_model.py --data examples/chat.jsonl --output tiny

The weights are random: it is for trying a training script, not for answers. The tokenizer is trained on the data's own
text and carries a ChatML template with the `{% generation %}` markers that TRL's `assistant_only_loss` asks for.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 512
START, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
CHAT_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] + '<|im_end|>' }}{% endgeneration %}
{{- '\\n' }}
{%- else %}
{{- message['content'] + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}"""


def texts(data: Path) -> list[str]:
    """The contents of all messages of a JSONL file of `messages` rows."""
    with data.open(encoding="utf-8") as lines:
        return [message["content"] for line in lines for message in json.loads(line)["messages"]]


def make_tokenizer(corpus: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on `corpus`; single digits, so that numbers are spelt one way only."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[PAD, START, END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*corpus, "system\nuser\nassistant\n"], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, model_max_length=512)
    fast.chat_template = CHAT_TEMPLATE
    return fast


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama of two layers with random weights, the same ones each time."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, default=Path(__file__).with_name("chat.jsonl"), help="JSONL of `messages` rows")
    cli.add_argument("--output", type=Path, required=True, help="folder for the model and its tokenizer")
    args = cli.parse_args()
    tokenizer = make_tokenizer(texts(args.data))
    model = make_model(tokenizer)
    tokenizer.save_pretrained(args.output)
    model.save_pretrained(args.output)
    print(json.dumps({"output": str(args.output), "parameters": model.num_parameters(), "vocabulary": len(tokenizer)}))


if __name__ == "__main__":
    main()
