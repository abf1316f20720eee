"""What looks like a fault and is none: a run of the script raises nothing there."""

from __future__ import annotations

from preflight.faults.draft import Draft, put
from preflight.faults.kinds import CONFIG, NAMES, Kind


def _name(draft: Draft) -> tuple[str, str]:
    name = draft.rng.choice(sorted(CONFIG))
    return name, CONFIG[name]


def _word(draft: Draft) -> str:
    return "{}={}".format(*_name(draft))


def guarded_import(draft: Draft) -> None:
    module, name = draft.rng.choice(NAMES)
    error = draft.rng.choice(["except ImportError:", "except (ImportError, AttributeError):", "except Exception:", "except:"])
    draft.top += ["try:", f"    from {module} import {name}", error, f"    {name} = None"]


def fallback_of_an_import(draft: Draft) -> None:
    module, name = draft.rng.choice(NAMES)
    draft.top += [
        "try:",
        "    from trl import SFTConfig as Thing",
        "except ImportError:",
        f"    from {module} import {name} as Thing",
    ]


def guarded_module(draft: Draft) -> None:
    draft.top += ["import contextlib", "with contextlib.suppress(ImportError):", "    import trl.core"]


def type_checking(draft: Draft) -> None:
    module, name = draft.rng.choice(NAMES)
    draft.imports.append("from typing import TYPE_CHECKING")
    draft.top += ["if TYPE_CHECKING:", f"    from {module} import {name}"]


def dead_code(draft: Draft) -> None:
    module, name = draft.rng.choice(NAMES)
    test = draft.rng.choice(["if False:", "if 0:", "while False:", "if not True:"])
    draft.top += [test, f"    from {module} import {name}", f"    {draft.method}Config({_word(draft)})"]


def constant_switch(draft: Draft) -> None:
    draft.top += ["OLD = False", "if OLD:", f"    {draft.method}Config({_word(draft)})"]


def version_test(draft: Draft) -> None:
    draft.imports += ["import trl", "from packaging.version import Version"]
    draft.top += ['if Version(trl.__version__) < Version("0.15"):', "    from trl import setup_chat_format",
                  f"    {draft.method}Config({_word(draft)})"]  # fmt: skip


def asked_with_hasattr(draft: Draft) -> None:
    draft.imports.append("import trl")
    draft.after += ['if hasattr(trl, "PPOTrainer"):', "    print(trl.PPOTrainer)"]


def asked_with_signature(draft: Draft) -> None:
    name, value = _name(draft)
    draft.imports.append("import inspect")
    draft.before += ["options = {}", f'if "{name}" in inspect.signature({draft.method}Config).parameters:',
                     f'    options["{name}"] = {value}']  # fmt: skip
    draft.config.append("**options,")


def provided_for(draft: Draft) -> None:
    draft.after += ["try:", f"    other = {draft.method}Config({_word(draft)})", "except TypeError:",
                    f"    other = {draft.method}Config()"]  # fmt: skip


def comment_and_string(draft: Draft) -> None:
    put(draft.rng, draft.config, f"# {_word(draft)},")
    draft.top += [f'TEXT = "{draft.method}Config(max_seq_length=1)"', '"""from trl import PPOTrainer"""']


def same_name_in_another_library(draft: Draft) -> None:
    module, name = draft.rng.choice(NAMES)
    draft.imports += [f"from mylib import {name}", f"from mylib.{module} import {name} as other"]
    draft.after.append(f"{name}({_word(draft)})")


def local_class(draft: Draft) -> None:
    draft.top += [
        "class LoraConfig:",
        "    def __init__(self, rank, alpha=16):",
        "        self.rank = rank",
        "lora = LoraConfig(rank=8)",
    ]


def shadowed_by_a_parameter(draft: Draft) -> None:
    draft.top += [f"def build({draft.method}Config):", f"    return {draft.method}Config({_word(draft)})"]


def rebound_name(draft: Draft) -> None:
    draft.imports.append("from mylib import make")
    draft.top += ["Settings = make", f"Settings({_word(draft)})"]


def popped_key(draft: Draft) -> None:
    name, value = _name(draft)
    pop = draft.rng.choice([f'options.pop("{name}")', f'options.pop("{name}", None)', f'del options["{name}"]'])
    draft.before += [f'options = {{"{name}": {value}}}', pop]
    draft.config.append("**options,")


def filtered_dict(draft: Draft) -> None:
    name, value = _name(draft)
    draft.before += [f'options = {{"{name}": {value}}}', f'options = {{key: options[key] for key in options if key != "{name}"}}']
    draft.config.append("**options,")


def dict_for_something_else(draft: Draft) -> None:
    name, value = _name(draft)
    draft.before += [f'options = {{"{name}": {value}}}', "print(options)", "json_text = str(dict(**options))"]


def key_set_after_the_call(draft: Draft) -> None:
    name, value = _name(draft)
    draft.before.append("options = {}")
    draft.config.append("**options,")
    draft.after.append(f'options["{name}"] = {value}')


def attribute_set_afterwards(draft: Draft) -> None:
    name, value = _name(draft)
    draft.after += [f"config.{name} = {value}", f'setattr(config, "{name}", {value})']


def subclass_with_its_own_init(draft: Draft) -> None:
    draft.top += [f"class Mine({draft.method}Trainer):", "    def __init__(self, *args, tokenizer=None, **kwargs):",
                  "        super().__init__(*args, processing_class=tokenizer, **kwargs)"]  # fmt: skip
    draft.trainer_call = "Mine"
    draft.trainer.append("tokenizer=None,")


def field_of_a_dataclass(draft: Draft) -> None:
    name, value = _name(draft)
    draft.imports.append("from dataclasses import dataclass")
    draft.top += ["@dataclass", f"class Settings({draft.method}Config):", f"    {name}: object = None"]
    draft.config_call = "Settings"
    draft.config.append(f"{name}={value},")


def takes_any_keyword(draft: Draft) -> None:
    draft.imports.append("from transformers import AutoConfig, AutoTokenizer")
    draft.before += ['tok = AutoTokenizer.from_pretrained("m", use_auth_token=True, model_max_len=9)',
                     'cfg = AutoConfig.from_pretrained("m", some_field=1)']  # fmt: skip


def field_of_the_models_configuration(draft: Draft) -> None:
    draft.imports.append("from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification")
    draft.before += ['AutoModelForCausalLM.from_pretrained("m", use_cache=False, rope_scaling=None, attention_dropout=0.1)',
                     'AutoModelForSequenceClassification.from_pretrained("m", num_labels=1, id2label={0: "a"})']  # fmt: skip


def still_legal_where_it_is(draft: Draft) -> None:
    draft.imports.append("from transformers import BitsAndBytesConfig, DataCollatorForLanguageModeling, AutoModelForCausalLM")
    draft.before += ["quantized = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype='bfloat16')",
                     "collator = DataCollatorForLanguageModeling(tokenizer=None, mlm=False)",
                     'AutoModelForCausalLM.from_pretrained("m", torch_dtype="auto", device_map="auto", trust_remote_code=True)']  # fmt: skip


def arguments_from_elsewhere(draft: Draft) -> None:
    draft.imports.append("from mylib import load_settings")
    draft.config.append("**load_settings(),")


def overwritten_dict(draft: Draft) -> None:
    name, value = _name(draft)
    draft.before += [f'options = {{"{name}": {value}}}', "options = {}"]
    draft.config.append("**options,")


def lazy_and_nested_modules(draft: Draft) -> None:
    draft.imports += ["import transformers", "import trl.experimental.orpo", "from trl.experimental.orpo import ORPOTrainer",
                      "from transformers.models.llama.modeling_llama import LlamaForCausalLM, LlamaAttention",
                      "from transformers.tokenization_utils import PreTrainedTokenizer",
                      "from transformers.trainer_utils import get_last_checkpoint, set_seed",
                      "from peft.tuners.lora import LoraLayer, Linear8bitLt", "from huggingface_hub.utils import HfHubHTTPError"]  # fmt: skip
    draft.after.append(
        "print(transformers.models.qwen2.Qwen2Config, transformers.utils.logging, trl.experimental.orpo.ORPOConfig)"
    )


def enumeration_by_value(draft: Draft) -> None:
    draft.imports.append("from transformers import IntervalStrategy, SchedulerType\nfrom peft import TaskType")
    draft.before.append('print(IntervalStrategy("steps"), SchedulerType("cosine"), TaskType("CAUSAL_LM"), TaskType.CAUSAL_LM)')


def choices_and_numbers_as_they_should_be(draft: Draft) -> None:
    names = ("eval_strategy", "learning_rate", "max_steps", "lr_scheduler_type")
    draft.config = [line for line in draft.config if not line.startswith(names)]
    draft.imports.append("from transformers import IntervalStrategy, SchedulerType")
    draft.config += ["eval_strategy=IntervalStrategy.NO,", "lr_scheduler_type=SchedulerType.COSINE,"]
    draft.config += ['learning_rate=float("2e-5"),', 'max_steps=int(os.environ.get("STEPS", "100")),']


def stream_with_an_end(draft: Draft) -> None:
    draft.config = [line for line in draft.config if not line.startswith("max_steps=")] + ["max_steps=200,"]
    draft.before.append('rows = load_dataset("trl-lib/Capybara", split="train", streaming=True).shuffle(seed=7)')


def early_stopping_of_the_loss(draft: Draft) -> None:
    draft.config = [line for line in draft.config if not line.startswith(("eval_strategy=", "save_steps="))]
    draft.config += ['eval_strategy="epoch",', 'save_strategy="epoch",', "load_best_model_at_end=True,"]
    draft.imports.append("from transformers import EarlyStoppingCallback")
    draft.trainer += ["eval_dataset=rows,", "callbacks=[EarlyStoppingCallback(early_stopping_patience=3)],"]


def as_it_should_be(draft: Draft) -> None:
    """Nothing at all: a clean script."""


LOOKALIKES: dict[str, Kind] = {
    name: value
    for name, value in dict(globals()).items()
    if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == __name__
}
