"""Run by the training interpreter: gives rows to the real trainers and says what became of them.

stdin: {"cases": [{"id", "method", "rows", "mapping", "steps", "sees"}]}; stdout: {id: "ok" | "ErrorType: message"}.
With `sees`, the model is one for vision and language, and a real picture stands in the place of each in the rows.
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
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
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
# As vision-language models' do: contents are strings or blocks, and a picture takes its own mark.
SEEING_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}{% for b in m.content %}"
    "{% if b.type == 'image' %}<image>{% else %}{{ b.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TRAINERS = {
    "sft": (SFTTrainer, SFTConfig),
    "dpo": (DPOTrainer, DPOConfig),
    "grpo": (GRPOTrainer, GRPOConfig),
    "kto": (KTOTrainer, KTOConfig),
    "reward": (RewardTrainer, RewardConfig),
}


MODELS = {
    "model": LlamaForCausalLM,
    "judge": LlamaForSequenceClassification,
    "seeing": LlavaForConditionalGeneration,
}


def make_tokenizer(texts):
    """A byte-level tokenizer trained on the rows themselves."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|im_start|>", "<|im_end|>", "<image>"]
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

    seeing(tokenizer).save_pretrained(f"{folder}/seeing")


def seeing(tokenizer):
    """A tiny vision-language model."""
    eye = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=8
    )
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    return LlavaForConditionalGeneration(
        LlavaConfig(vision_config=eye, text_config=config(tokenizer), image_token_id=image_token)
    )


def processor(tokenizer):
    """Pictures of 16 by 16 points, four patches each."""
    images = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=SEEING_TEMPLATE,
    )


def with_pictures(dataset):
    """A real picture wherever the rows name one."""
    picture = Image.new("RGB", (16, 16), "red")
    shown = [{name: {"image": picture, "images": [picture]}.get(name, value) for name, value in row.items()} for row in dataset]
    return datasets.Dataset.from_list(shown)


def train(method, dataset, tokenizer, folder, steps, sees):
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
    kind = "judge" if method == "reward" else ("seeing" if sees else "model")
    model = MODELS[kind].from_pretrained(f"{folder}/{kind}")
    reader = processor(tokenizer) if kind == "seeing" else tokenizer
    extra = {"reward_funcs": lambda completions, **columns: [0.0] * len(completions)} if method == "grpo" else {}
    trainer = trainer_class(model=model, args=args, train_dataset=dataset, processing_class=reader, **extra)
    trainer.train()


def outcome(case, tokenizer, folder):
    try:
        dataset = datasets.Dataset.from_list(case["rows"], on_mixed_types="use_json")
        if case["mapping"]:
            # The line that loads the dataset is left out: the rows are here.
            scope = {"dataset": dataset}
            exec("\n".join(line for line in case["mapping"].splitlines() if "load_" not in line), scope)
            dataset = scope["dataset"]
        if {"image", "images"} & set(dataset.column_names):
            dataset = with_pictures(dataset)
        train(case["method"], dataset, tokenizer, folder, case["steps"], case["sees"])
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
