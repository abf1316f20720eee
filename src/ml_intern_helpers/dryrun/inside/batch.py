"""Reports what a trainer really learns from: trained and masked tokens of real rows, the end-of-text token, truncation."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dryrun.inside.events import emit, finding, once

#: Rows that are looked at.
_ROWS = 32
_SHOWN = 300
#: Speakers and keys whose text templates tend to leave out.
_KEYS = ("reasoning_content", "thinking", "reasoning")


def report_batch(trainer: Any) -> None:
    """The first rows as the trainer's collator makes them."""
    import torch

    data = trainer.train_dataset
    if data is None or hasattr(trainer.args, "num_generations"):
        return
    with torch.random.fork_rng():
        rows = _rows(trainer, data)
        if not rows:
            return
        tokenizer = _tokenizer(trainer)
        summary = _Summary(tokenizer, getattr(trainer.args, "max_length", None))
        for start in range(0, len(rows), 4):
            made = trainer.data_collator(rows[start : start + 4])
            summary.add(made)
        summary.report()


def _rows(trainer: Any, data: Any) -> list[Any]:
    if hasattr(trainer, "_remove_unused_columns") and getattr(data, "column_names", None):
        data = trainer._remove_unused_columns(data, description="training")
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return [data[index] for index in range(min(len(data), _ROWS))]
    return [row for row, _ in zip(data, range(_ROWS))]  # noqa: B905 - the stream is longer


def _tokenizer(trainer: Any) -> Any:
    processor = getattr(trainer, "processing_class", None)
    return getattr(processor, "tokenizer", processor)


class _Summary:
    """Counts over collated batches."""

    def __init__(self, tokenizer: Any, max_length: Any) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length if isinstance(max_length, int) else None
        self.rows = self.tokens = self.trained = self.empty = self.full = self.ends = self.doubled = 0
        self.example: list[list[Any]] | None = None

    def add(self, made: Any) -> None:
        tokens, labels = made.get("input_ids"), made.get("labels")
        if labels is None and made.get("completion_mask") is not None and tokens is not None:
            labels = tokens.masked_fill(made["completion_mask"].eq(0), -100)
        if tokens is None or labels is None or labels.shape != tokens.shape or tokens.dim() != 2:
            return
        attention = made.get("attention_mask")
        for index in range(tokens.shape[0]):
            kept = attention[index].bool() if attention is not None and attention.shape == tokens.shape else tokens[index].ge(0)
            self._add_row(tokens[index][kept].tolist(), labels[index][kept].tolist())

    def _add_row(self, tokens: list[int], labels: list[int]) -> None:
        trained = [label != -100 for label in labels]
        self.rows += 1
        self.tokens += len(tokens)
        self.trained += sum(trained)
        self.empty += not any(trained)
        self.full += self.max_length is not None and len(tokens) >= self.max_length
        ends = {getattr(self.tokenizer, "eos_token_id", None)}
        begin = getattr(self.tokenizer, "bos_token_id", None)
        self.ends += any(mark and token in ends for token, mark in zip(tokens, trained, strict=True))
        self.doubled += len(tokens) > 1 and begin is not None and tokens[0] == tokens[1] == begin
        if self.example is None and self.tokenizer is not None:
            self.example = self._decoded(tokens, trained)

    def _decoded(self, tokens: list[int], trained: list[bool]) -> list[list[Any]]:
        """The row as [trained or not, text] pieces; long pieces are shortened in the middle."""
        pieces: list[list[Any]] = []
        start = 0
        for end in range(1, len(tokens) + 1):
            if end == len(tokens) or trained[end] != trained[start]:
                text = self.tokenizer.decode(tokens[start:end])
                half = _SHOWN // 2
                pieces.append([trained[start], text if len(text) <= _SHOWN else f"{text[:half]} […] {text[-half:]}"])
                start = end
        return pieces[:12]

    def report(self) -> None:
        if not self.rows:
            return
        share = self.trained / max(self.tokens, 1)
        emit(
            "batch",
            rows=self.rows,
            tokens=self.tokens,
            trained_share=round(share, 4),
            rows_without=self.empty,
            rows_full=self.full,
            max_length=self.max_length,
            eos_trained=self.ends,
            doubled_bos=self.doubled,
            example=self.example,
        )
        if self.empty == self.rows:
            finding(
                "nothing-trained", "error", f"none of {self.rows} rows has a trained token: the loss would be NaN or zero",
                "look at assistant_only_loss, completion_only_loss, the template's generation marks and max_length",
            )  # fmt: skip
        elif self.empty:
            message = f"{self.empty} of {self.rows} rows have no trained token"
            finding("rows-untrained", "warning", message, "filter them, or raise max_length: their answer is cut off")
        if self.doubled > self.rows // 2:
            finding("doubled-bos", "warning", f"{self.doubled} of {self.rows} rows begin with the BOS token twice",
                    "tokenize rendered text with add_special_tokens=False")  # fmt: skip
        if self.ends == 0 and self.full < self.rows and getattr(self.tokenizer, "eos_token_id", None) is not None:
            finding(
                "eos-untrained",
                "warning",
                f"in none of {self.rows} rows is the end token {self.tokenizer.eos_token!r} trained",
                "the model may not learn to stop: set eos_token in the configuration, or end the answers with it",
            )


def patch_template(module: Any) -> None:
    """Compare the first conversations with what the chat template makes of them, in `transformers.tokenization_utils_base`."""
    base = module.PreTrainedTokenizerBase
    original = base.apply_chat_template
    state = {"left": 8}

    def apply(self: Any, conversation: Any = None, *args: Any, **kwargs: Any) -> Any:
        result = original(self, conversation, *args, **kwargs)
        if state["left"] > 0 and isinstance(conversation, list) and conversation:
            state["left"] -= 1
            single = conversation if isinstance(conversation[0], dict) else conversation[0]
            try:
                rendered = (
                    result if isinstance(result, str) else original(self, single, tokenize=False, tools=kwargs.get("tools"))
                )
                _report_dropped(single, str(rendered))
            except Exception:  # a look at the side must not end the run
                state["left"] = 0
        return result

    base.apply_chat_template = apply


def _report_dropped(turns: Any, rendered: str) -> None:
    for turn in turns if isinstance(turns, list) else []:
        speaker = turn.get("role")
        for key in ("content", *_KEYS):
            text = turn.get(key)
            if isinstance(text, str) and len(text.strip()) > 3 and text.strip() not in rendered:
                once("dropped", speaker=speaker, key=key)
