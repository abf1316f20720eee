"""Run by the training interpreter: gives rows to the real trainers and says what became of them.

stdin: {"cases": [{"id", "method", "rows", "mapping", "steps"}]}; stdout: {id: "ok" | "ErrorType: message"}.
"""

import contextlib
import gc
import json
import os
import sys
import tempfile

os.environ.update(
    HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_PROGRESS_BARS="1", TRL_EXPERIMENTAL_SILENCE="1"
)

import datasets
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast
from trl import (
    DPOConfig,
    DPOTrainer,
    GRPOConfig,
    GRPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)

# As Qwen's template does: a system turn where there is none, and turns of unknown roles dropped without a word.
TEMPLATE = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}"
    "{% for m in messages %}{% if m.role in ['system', 'user', 'assistant', 'tool'] %}"
    "<|im_start|>{{ m.role }}\n{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% else %}{{ m.content + '' }}{% endif %}<|im_end|>\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TRAINERS = {
    "sft": (SFTTrainer, SFTConfig),
    "dpo": (DPOTrainer, DPOConfig),
    "grpo": (GRPOTrainer, GRPOConfig),
    "kto": (KTOTrainer, KTOConfig),
    "reward": (RewardTrainer, RewardConfig),
}


def make_tokenizer(texts):
    """A byte-level tokenizer trained on the rows themselves."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|im_end|>")
    made.chat_template = TEMPLATE
    return made


def config(tokenizer):
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def save_models(tokenizer, folder):
    """Both tiny models on disk: DPO and KTO load their reference model from where the model came from."""
    LlamaForCausalLM(config(tokenizer)).save_pretrained(f"{folder}/model")
    LlamaForSequenceClassification(LlamaConfig(**{**config(tokenizer).to_dict(), "num_labels": 1})).save_pretrained(
        f"{folder}/judge"
    )


def train(method, dataset, tokenizer, folder, steps):
    """A few steps; whatever the trainer raises, it raises."""
    trainer_class, config_class = TRAINERS[method]
    more = {"num_generations": 2, "max_completion_length": 2} if method == "grpo" else {"max_length": 256}
    args = config_class(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=4 if method == "grpo" else 2,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_strategy="no",
        **more,
    )
    judge = method == "reward"
    model_class = LlamaForSequenceClassification if judge else LlamaForCausalLM
    model = model_class.from_pretrained(f"{folder}/{'judge' if judge else 'model'}")
    extra = {"reward_funcs": lambda completions, **columns: [0.0] * len(completions)} if method == "grpo" else {}
    trainer = trainer_class(model=model, args=args, train_dataset=dataset, processing_class=tokenizer, **extra)
    trainer.train()


def outcome(case, tokenizer, folder):
    try:
        dataset = datasets.Dataset.from_list(case["rows"], on_mixed_types="use_json")
        if case["mapping"]:
            # The line that loads the dataset is left out: the rows are here.
            scope = {"dataset": dataset}
            exec("\n".join(line for line in case["mapping"].splitlines() if "load_" not in line), scope)
            dataset = scope["dataset"]
        train(case["method"], dataset, tokenizer, folder, case["steps"])
        return "ok"
    except Exception as err:
        return f"{type(err).__name__}: {str(err)[:200]}"


def main():
    datasets.disable_caching()
    datasets.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    cases = json.load(sys.stdin)["cases"]
    tokenizer = make_tokenizer(json.dumps(case["rows"]) for case in cases)
    found = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        save_models(tokenizer, folder)
        gc.freeze()  # every train() collects garbage, and walking over torch's objects took four fifths of this run
        for case in cases:
            found[case["id"]] = outcome(case, tokenizer, folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
