"""Lists which distributions provide an import, and which dependencies a distribution brings."""

from __future__ import annotations

#: Import name -> the distributions that provide it, any one of which is enough; those of the same name are left out.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "bs4": ("beautifulsoup4", "bs4"),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "dateutil": ("python-dateutil",),
    "dotenv": ("python-dotenv",),
    "git": ("gitpython",),
    "google.protobuf": ("protobuf",),
    "jwt": ("pyjwt",),
    "levenshtein": ("levenshtein", "python-levenshtein"),
    "Levenshtein": ("levenshtein", "python-levenshtein"),
    "magic": ("python-magic",),
    "nvidia_smi": ("nvidia-ml-py3",),
    "PIL": ("pillow",),
    "pynvml": ("nvidia-ml-py", "pynvml"),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "umap": ("umap-learn",),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Well-known distributions with the name of their import; BRINGS says which of them depend on others.
SAME_NAME = _names(
    "accelerate bitsandbytes datasets deepspeed diffusers einops evaluate flash-attn gradio huggingface-hub ipython jinja2 "
    "kernels liger-kernel lightning llmcompressor lm-eval math-verify matplotlib mlflow nltk numpy optuna pandas peft "
    "polars pyarrow pytorch-lightning ray regex requests rich rouge-score sacrebleu safetensors scipy seaborn "
    "sentence-transformers sentencepiece setfit spacy sympy tensorboard tiktoken timm tokenizers torch torchaudio "
    "torchvision tqdm trackio transformers trl unsloth vllm wandb xformers"
)

_HUB = _names("anyio click filelock fsspec h11 hf-xet httpcore2 httpx2 idna packaging pyyaml tqdm truststore typing-extensions")
_WITH_HUB = _HUB | {"huggingface-hub"}
_TORCH = _names("filelock fsspec jinja2 markupsafe mpmath networkx setuptools sympy typing-extensions")
_ACCELERATE = _WITH_HUB | _TORCH | _names("numpy psutil safetensors torch")
_DATASETS = _WITH_HUB | _names("dill multiprocess numpy pandas pyarrow python-dateutil tzdata xxhash")
_TRANSFORMERS = _WITH_HUB | _names(
    "annotated-doc annotated-types markdown-it-py mdurl numpy pydantic pydantic-core pygments regex rich safetensors shellingham "
    "tokenizers typer typing-inspection"
)
#: Distribution -> all its dependencies on Linux; the tests compare them with the metadata of the installed releases.
COMPLETE: dict[str, frozenset[str]] = {
    "trl": _TRANSFORMERS | _ACCELERATE | _DATASETS | {"accelerate", "datasets", "transformers"},
    "transformers": _TRANSFORMERS,
    "peft": _TRANSFORMERS | _ACCELERATE | {"accelerate", "transformers"},
    "accelerate": _ACCELERATE,
    "datasets": _DATASETS,
    "trackio": _WITH_HUB
    | _names("brotli certifi gradio-client httpcore httpx numpy orjson pillow python-multipart starlette uvicorn"),
    "torch": _TORCH,
    "huggingface-hub": _HUB,
    "tokenizers": _WITH_HUB,
}
#: Well-known distribution -> all its dependencies among the well-known ones.
WELL_KNOWN: dict[str, frozenset[str]] = {
    "bitsandbytes": _names("jinja2 numpy sympy torch"),
    "deepspeed": _names("einops jinja2 numpy sympy torch tqdm"),
    "diffusers": _names("huggingface-hub numpy pillow pyyaml regex requests safetensors tqdm"),
    "evaluate": _names("datasets huggingface-hub numpy pandas pyarrow python-dateutil pyyaml requests tqdm"),
    "gradio": _names("huggingface-hub jinja2 numpy pandas pillow python-dateutil pyyaml rich tqdm"),
    "kernels": _names("huggingface-hub pyyaml requests rich tqdm"),
    "llmcompressor": _names(
        "accelerate datasets huggingface-hub jinja2 numpy pandas pillow pyarrow pyyaml regex requests rich safetensors sympy "
        "tokenizers torch tqdm transformers"
    ),
    "matplotlib": _names("numpy pillow python-dateutil"),
    "mlflow": _names("jinja2 matplotlib numpy pandas pillow pyarrow pyyaml requests scikit-learn scipy"),
    "optuna": _names("numpy pyyaml tqdm"),
    "pandas": _names("numpy python-dateutil"),
    "sacrebleu": _names("numpy regex"),
    "scikit-learn": _names("numpy scipy"),
    "scipy": _names("numpy"),
    "seaborn": _names("matplotlib numpy pandas pillow python-dateutil"),
    "setfit": _names(
        "accelerate datasets evaluate huggingface-hub jinja2 numpy pandas pyarrow pyyaml regex requests rich safetensors "
        "scikit-learn scipy sentence-transformers sympy tokenizers torch tqdm transformers"
    ),
    "spacy": _names("jinja2 numpy requests rich tqdm"),
    "tensorboard": _names("numpy pillow"),
    "timm": _names("huggingface-hub jinja2 numpy pillow pyyaml safetensors sympy torch torchvision tqdm"),
    "wandb": _names("pyyaml requests"),
    "xformers": _names("jinja2 numpy sympy torch"),
}
#: Distribution -> its known dependencies; those not in COMPLETE or WELL_KNOWN may have more.
BRINGS: dict[str, frozenset[str]] = {
    **COMPLETE,
    **WELL_KNOWN,
    "sentence-transformers": _names("huggingface-hub numpy scikit-learn scipy torch tqdm transformers"),
    "unsloth": _names("accelerate bitsandbytes datasets huggingface-hub numpy peft torch tqdm transformers trl"),
    "torchvision": _names("numpy pillow torch"),
    "lightning": _names("packaging pyyaml torch tqdm"),
    "pytorch-lightning": _names("packaging pyyaml torch tqdm"),
    "vllm": _names("numpy pillow pydantic pyyaml requests tokenizers torch tqdm transformers"),
}
#: (distribution, extra) -> the distributions that the extra adds.
EXTRAS: dict[tuple[str, str], frozenset[str]] = {
    ("trl", "peft"): frozenset({"peft"}),
    ("trl", "quantization"): frozenset({"bitsandbytes"}),
    ("trl", "vllm"): frozenset({"vllm"}),
    ("trl", "kernels"): frozenset({"kernels"}),
    ("trl", "liger"): frozenset({"liger-kernel"}),
    ("trl", "deepspeed"): frozenset({"deepspeed"}),
    ("trl", "math-verify"): frozenset({"math-verify"}),
    ("transformers", "torch"): frozenset({"accelerate", "torch"}),
    ("transformers", "accelerate"): frozenset({"accelerate"}),
}
#: Indexed library -> the indexed libraries it requires, with the bounds of its current release; tests check its metadata.
NEEDS: dict[str, dict[str, str]] = {
    "trl": {"accelerate": ">=1.10.1", "datasets": ">=4.7.0", "huggingface_hub": ">=0.34.0", "transformers": ">=4.56.2"},
    "transformers": {"huggingface_hub": "<3.0,>=1.31.0"},
    "peft": {"transformers": "", "accelerate": ">=0.21.0", "huggingface_hub": ">=0.25.0"},
    "accelerate": {"huggingface_hub": ">=0.21.0"},
    "datasets": {"huggingface_hub": "<3.0,>=1.31.0"},
    "trackio": {"huggingface_hub": "<3,>=1.10.0"},
    "huggingface_hub": {},
}
