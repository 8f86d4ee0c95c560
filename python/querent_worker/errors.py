"""What the worker refuses or cannot do, with a code, an HTTP status and what to do next. Knows no HTTP server."""

from __future__ import annotations

import gc
from typing import Optional


class WorkerError(Exception):
    """The client reads ``code`` and ``next``; ``status`` is what the request is answered with."""

    def __init__(self, code: str, message: str, *, next_step: Optional[str] = None, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.next_step = next_step
        self.status = status

    def body(self) -> dict:
        text = str(self) if self.next_step is None else f"{self}. {self.next_step}"
        # `detail` is where SkyRL's server puts its text, `error` and `category` where the hosted service does.
        return {
            "detail": text,
            "error": text,
            "category": "user" if self.status < 500 else "server",
            "code": self.code,
            "message": str(self),
            "next": self.next_step,
        }


def bad_request(message: str, next_step: Optional[str] = None) -> WorkerError:
    return WorkerError("worker/bad-request", message, next_step=next_step)


_REDUCE = {
    "train": "Reduce what one pass holds: a smaller --token-budget of the worker ({budget} now), a smaller "
    "grpo.microBatchSize or shorter completions (grpo.maxNewTokens); or a smaller base: --quantization nf4, "
    "--gradient-checkpointing, a lower LoRA rank",
    "sample": "Reduce what is sampled at once: a smaller --sample-rows of the worker ({rows} now), grpo.groupSize, "
    "grpo.samplingChunk or grpo.maxNewTokens; or a smaller base: --quantization nf4",
    "load": "Reduce the model: --quantization nf4, --dtype bfloat16, a smaller model, or LoRA (rank above 0) instead "
    "of training every weight",
}


def _is_out_of_memory(thrown: BaseException) -> bool:
    if isinstance(thrown, MemoryError) or type(thrown).__name__ == "OutOfMemoryError":
        return True
    text = str(thrown)
    # CUDA, Apple's MPS and the CPU's allocator have different words for it and one class.
    return isinstance(thrown, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def as_worker_error(thrown: BaseException, doing: str, *, budget: int, rows: int) -> WorkerError:
    """``doing`` is train, sample or load: what to reduce depends on it."""
    if isinstance(thrown, WorkerError):
        return thrown
    if not _is_out_of_memory(thrown):
        return WorkerError("worker/failed", f"{type(thrown).__name__}: {thrown}", status=500)
    thrown.__traceback__ = None  # its frames hold the tensors that filled the memory
    release_memory()
    first_line = str(thrown).strip().split("\n")[0][:300]
    return WorkerError(
        "worker/out-of-memory",
        f"the device's memory is full ({first_line or 'no memory left'})",
        next_step=_REDUCE[doing].format(budget=budget, rows=rows),
    )


def release_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
