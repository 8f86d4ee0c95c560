"""The base model: what it is without loading it, loading it for adapters (frozen, shared) or for full training (its own copy).

Knows transformers, PEFT's injection and quantisation; does not know requests, optimizers or files of checkpoints.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ContextManager, List, Optional

import torch
import transformers
from torch import nn

from .errors import WorkerError, bad_request

#: Adapted where nothing else is asked for: every linear layer of the usual decoder, as the TypeScript engine does.
TARGET_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Settings:
    """What the command line decided."""

    model: str
    device: torch.device
    dtype: torch.dtype
    quantization: str
    gradient_checkpointing: bool
    token_budget: int
    sample_rows: int
    max_length: Optional[int]
    checkpoints: Path
    sampler: str
    vllm_memory: float


def choose_device(name: str) -> torch.device:
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    if name != "auto":
        return getattr(torch, name)
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


class BaseModel:
    """One base; adapters share its frozen weights, full training gets weights of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = transformers.AutoConfig.from_pretrained(settings.model)
        with torch.device("meta"):
            empty = transformers.AutoModelForCausalLM.from_config(self.config)
        self.parameter_count = sum(parameter.numel() for parameter in empty.parameters())
        self.vocab_size: int = empty.get_output_embeddings().weight.shape[0]
        longest = getattr(self.config, "max_position_embeddings", None) or 4096
        self.max_length = min(settings.max_length or longest, longest)
        self._shared: Optional[nn.Module] = None
        self._peft: Any = None

    def _load(self, for_training_all: bool) -> nn.Module:
        settings = self.settings
        options: dict = {"dtype": torch.float32 if for_training_all else settings.dtype}
        if settings.quantization != "none" and not for_training_all:
            options["quantization_config"] = self._quantization()
            options["device_map"] = {"": settings.device}
        model = transformers.AutoModelForCausalLM.from_pretrained(settings.model, **options)
        if "device_map" not in options:
            model = model.to(settings.device)
        model.generation_config.eos_token_id = None
        _switch_off_dropout(model)
        return model

    def _quantization(self) -> Any:
        if self.settings.device.type != "cuda":
            raise WorkerError(
                "worker/no-quantization",
                f"quantization {self.settings.quantization} needs CUDA, and the device is {self.settings.device}",
                next_step="Start the worker with --quantization none",
            )
        if self.settings.quantization == "int8":
            return transformers.BitsAndBytesConfig(load_in_8bit=True)
        return transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=self.settings.dtype,
        )

    def _prepare(self, model: nn.Module) -> None:
        model.requires_grad_(False)
        if self.settings.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})

    def shared(self) -> nn.Module:
        """The frozen base, adapters included but whichever is set."""
        if self._shared is None:
            self._shared = self._load(for_training_all=False)
            self._prepare(self._shared)
        return self._shared

    def own(self) -> nn.Module:
        """A copy whose every weight trains."""
        if self.settings.quantization != "none":
            raise bad_request(
                "every weight was to be trained (rank 0), and quantised weights cannot be",
                "Ask for a LoRA rank above 0, or start the worker with --quantization none",
            )
        model = self._load(for_training_all=True)
        if self.settings.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        return model

    def add_adapter(self, name: str, rank: int, alpha: float, targets: Optional[List[str]], seed: int) -> Any:
        """Injects a fresh adapter (A as PEFT draws it, B zero) and returns the PEFT model."""
        from peft import LoraConfig, get_peft_model

        base = self.shared()
        linears = {n.rsplit(".", 1)[-1] for n, m in base.named_modules() if hasattr(m, "weight") and "lora_" not in n}
        wanted = targets or [module for module in TARGET_MODULES if module in linears] or "all-linear"
        unknown = [module for module in wanted if module not in linears] if isinstance(wanted, list) else []
        if unknown:
            raise bad_request(f"target modules {', '.join(unknown)} are not layers of this model")
        config = LoraConfig(
            task_type="CAUSAL_LM", r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=wanted, bias="none"
        )
        torch.manual_seed(seed)
        if self._peft is None:
            self._peft = get_peft_model(base, config, adapter_name=name)
        else:
            self._peft.add_adapter(name, config)
        return self._peft

    def remove_adapter(self, name: str) -> None:
        if self._peft is None or name not in self._peft.peft_config:
            return
        if len(self._peft.peft_config) > 1:
            self._peft.delete_adapter(name)
        else:
            self._shared = self._peft.unload()
            self._peft = None

    def plain(self) -> ContextManager[Any]:
        """Within it no adapter computes."""
        return contextlib.nullcontext() if self._peft is None else self._peft.disable_adapter()


def _switch_off_dropout(model: nn.Module) -> None:
    """Ratios are 1 only where sampling and training see the same network."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
