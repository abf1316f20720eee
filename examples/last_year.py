"""A script as they were written a year ago: what pre-flight finds in it is shown in the README. It does not run."""

from datasets import load_dataset
from transformers import AutoTokenizer
from trl import DataCollatorForCompletionOnlyLM, SFTConfig, SFTTrainer

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen3-0.6B")
args = SFTConfig(
    output_dir="out",
    max_seq_length=2048,
    evaluation_strategy="no",
)
trainer = SFTTrainer(
    "Qwen/Qwen3-0.6B",
    args=args,
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    tokenizer=tokenizer,
    data_collator=DataCollatorForCompletionOnlyLM("### Answer:", tokenizer=tokenizer),
)
trainer.train()
