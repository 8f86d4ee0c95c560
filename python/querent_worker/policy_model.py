"""One trained model: an adapter on the shared base, or a base of its own. Gradients, AdamW, the frozen reference, files.

Files are those of the TypeScript engine: PEFT's or Hugging Face's layout, and with the optimizer ``optimizer.safetensors``
(``exp_avg.NAME``, ``exp_avg_sq.NAME``) and ``training_state.json``; a checkpoint made here opens there and the other way round.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .base_model import BaseModel
from .errors import WorkerError, bad_request
from .forward import Datum, Scores, batches, gather_inputs, score_batch
from .losses import Loss, fields_of, loss_sum

_MOMENTS = ("exp_avg", "exp_avg_sq")


class PolicyModel:
    def __init__(self, base: BaseModel, model_id: str, lora: Dict[str, Any]) -> None:
        self.base = base
        self.id = model_id
        #: What it was made from, kept beside saved weights.
        self.lora = lora
        self.rank = int(lora["rank"])
        self.alpha = float(lora["alpha"])
        self.seed = int(lora["seed"])
        #: Number of weight changes: what a sampler in another process compares.
        self.version = 0
        self._reference: Any = None
        if self.rank > 0:
            self._peft = base.add_adapter(model_id, self.rank, self.alpha, lora.get("target_modules"), self.seed)
            self._own = None
        else:
            self._peft = None
            self._own = base.own()
        self._activate()
        self.parameters = self._trainable()
        decayed = [p for p in self.parameters.values() if p.dim() > 1]
        plain = [p for p in self.parameters.values() if p.dim() <= 1]
        groups = [{"params": group} for group in (decayed, plain) if group]
        self._optimizer = torch.optim.AdamW(groups, lr=0.0)

    @property
    def is_lora(self) -> bool:
        return self._peft is not None

    @property
    def trainable_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters.values())

    # --- which weights compute

    def _activate(self, adapter: Optional[str] = None) -> nn.Module:
        """The causal model, with this model's adapter (or its frozen copy) in it."""
        if self._peft is None:
            return self._own
        self._peft.set_adapter(adapter or self.id)
        return self._peft.get_base_model()

    @contextlib.contextmanager
    def active(self, use_reference: bool = False) -> Iterator[nn.Module]:
        if not use_reference:
            yield self._activate()
        elif self._peft is None:
            if self._reference is None:
                raise WorkerError("worker/no-reference", "there is no frozen reference to ask")
            yield self._reference
        elif self._reference is None:
            with self._peft.disable_adapter():
                yield self._peft.get_base_model()
        else:
            yield self._activate(self._reference)

    def freeze_reference(self) -> None:
        if self._peft is None:
            self._reference = copy.deepcopy(self._own).requires_grad_(False).eval()
            return
        name = f"{self.id}-reference"
        if self._reference is None:
            config = self._peft.peft_config[self.id]
            targets = sorted(config.target_modules) if not isinstance(config.target_modules, str) else None
            self.base.add_adapter(name, self.rank, self.alpha, targets, self.seed)
            self._reference = name
        with torch.no_grad():
            copies = self._trainable(name)
            for key, parameter in self.parameters.items():
                copies[key].copy_(parameter)
        self._activate()

    def _trainable(self, adapter: Optional[str] = None) -> Dict[str, nn.Parameter]:
        """By the names that files have: PEFT's without the adapter's, or Hugging Face's."""
        if self._peft is None:
            return dict(self._own.named_parameters())
        infix = f".{adapter or self.id}."
        named = self._peft.named_parameters()
        return {n.replace(infix, "."): p for n, p in named if "lora_" in n and infix in n}

    def unload(self) -> None:
        for name in (self.id, self._reference):
            if self._peft is not None and isinstance(name, str):
                self.base.remove_adapter(name)
        self._peft = self._own = self._reference = None
        self.parameters = {}
        self._optimizer = None

    # --- training

    def _autocast(self) -> Any:
        settings = self.base.settings
        if self._peft is None and settings.dtype != torch.float32:
            return torch.autocast(settings.device.type, dtype=settings.dtype)
        return contextlib.nullcontext()

    def forward_backward(self, data: Sequence[Datum], loss: Loss) -> Dict[str, Any]:
        device = self.base.settings.device
        metrics = {"loss": 0.0, "tokens": 0.0, "entropy": 0.0}
        logprobs: List[List[float]] = [[0.0] * len(datum.tokens) for datum in data]
        with self.active() as model:
            model.train()
            try:
                for indices in batches(data, self.base.settings.token_budget):
                    batch = [data[i] for i in indices]
                    with self._autocast():
                        scores = score_batch(
                            model,
                            batch,
                            temperature=loss.temperature,
                            wants_mean=loss.label_smoothing > 0,
                            with_gradient=True,
                        )
                    inputs_L = {name: gather_inputs(batch, name, device) for name in ("weights", *fields_of(loss))}
                    total = loss_sum(
                        loss, scores.logprobs_L, scores.mean_logprobs_L, inputs_L, scores.sequence_L, len(batch)
                    )
                    total.backward()
                    _spread(batch, indices, scores, logprobs)
                    metrics["loss"] += total.item()
                    metrics["tokens"] += len(scores.sequence_L)
                    metrics["entropy"] += scores.entropy_L.sum().item()
            except BaseException:
                # Half of a batch's gradient is worse than none.
                self._optimizer.zero_grad(set_to_none=True)
                raise
            finally:
                model.eval()
        return {"logprobs": logprobs, "metrics": metrics}

    @torch.no_grad()
    def forward(self, data: Sequence[Datum], temperature: float, use_reference: bool) -> List[List[float]]:
        logprobs: List[List[float]] = [[0.0] * len(datum.tokens) for datum in data]
        with self.active(use_reference) as model:
            model.eval()
            for indices in batches(data, self.base.settings.token_budget):
                batch = [data[i] for i in indices]
                with self._autocast():
                    scores = score_batch(model, batch, temperature=temperature, with_gradient=False)
                _spread(batch, indices, scores, logprobs)
        return logprobs

    def optim_step(self, adam: Dict[str, float]) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = adam["learning_rate"]
            group["betas"] = (adam["beta1"], adam["beta2"])
            group["eps"] = adam["eps"]
            # Matrices decay; norms and biases do not.
            group["weight_decay"] = adam["weight_decay"] if group["params"][0].dim() > 1 else 0.0
        for parameter in self.parameters.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        limit = adam["grad_clip_norm"] if adam["grad_clip_norm"] > 0 else math.inf
        norm = torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), limit).item()
        if not math.isfinite(norm):
            self._optimizer.zero_grad(set_to_none=True)
            raise WorkerError(
                "worker/not-finite",
                f"the gradient's norm is {norm}; the step was not made",
                next_step="Lower the learning rate or lengthen the warm-up",
            )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.version += 1
        return norm

    # --- files

    def save(self, directory: Path, with_optimizer: bool) -> None:
        """Into an empty directory that the caller names when it is whole."""
        if self._peft is None:
            self._own.save_pretrained(directory)
        else:
            tensors = {name: p.detach().float().cpu().contiguous() for name, p in self.parameters.items()}
            save_file(tensors, directory / "adapter_model.safetensors", metadata={"format": "pt"})
            self._write_adapter_config(directory)
        if not with_optimizer:
            return
        if any(p.grad is not None for p in self.parameters.values()):
            raise bad_request("accumulated gradients would be lost by saving now", "Save after optim_step")
        moments, step = {}, 0
        for name, parameter in self.parameters.items():
            state = self._optimizer.state.get(parameter, {})
            step = int(state.get("step", 0))
            for key in _MOMENTS:
                moment = state.get(key)
                moments[f"{key}.{name}"] = (torch.zeros_like(parameter) if moment is None else moment).float().cpu()
        save_file(moments, directory / "optimizer.safetensors", metadata={"format": "pt"})
        # There is no dropout here, so the random state is only what the other engine would start from.
        draws = [(self.seed >> shift & 0xFFFFFFFF) or 1 for shift in (0, 8, 16, 24)]
        random = {"draws": draws, "patternSeed": self.seed}
        state = {"format": 1, "optimizerStep": step, "random": random}
        (directory / "training_state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def _write_adapter_config(self, directory: Path) -> None:
        config = self._peft.peft_config[self.id]
        modules = sorted({name.split(".")[-3] for name in self.parameters})
        text = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base.settings.model,
            "r": config.r,
            "lora_alpha": config.lora_alpha,
            "lora_dropout": 0.0,
            "target_modules": modules,
            "bias": "none",
            "fan_in_fan_out": False,
            "use_rslora": False,
            "use_dora": False,
            "inference_mode": True,
        }
        (directory / "adapter_config.json").write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")

    @torch.no_grad()
    def load(self, directory: Path, with_optimizer: bool) -> None:
        """Reads and checks everything before it changes anything."""
        weights = _read_weights(directory, self.is_lora)
        if not self.is_lora:
            weights.pop("lm_head.weight", None) if "lm_head.weight" not in self.parameters else None
        _check(self.parameters, weights, directory)
        if self.is_lora:
            config = json.loads((directory / "adapter_config.json").read_text(encoding="utf-8"))
            alpha = config.get("lora_alpha", self.alpha)
            if config.get("r") != self.rank or alpha != self.alpha:
                raise bad_request(
                    f"{directory.name} holds an adapter of rank {config.get('r')} and alpha {alpha}, "
                    f"the model has rank {self.rank} and alpha {self.alpha}"
                )
        moments, step = {}, 0
        if with_optimizer:
            path = directory / "optimizer.safetensors"
            if not path.exists():
                raise bad_request(f"{directory.name} was saved without the optimizer", "Load it with optimizer: false")
            moments = load_file(path)
            step = json.loads((directory / "training_state.json").read_text(encoding="utf-8"))["optimizerStep"]
            for key in _MOMENTS:
                _check({f"{key}.{n}": p for n, p in self.parameters.items()}, moments, directory, exact=False)
        for name, parameter in self.parameters.items():
            parameter.copy_(weights[name].to(parameter.dtype))
        if with_optimizer:
            for name, parameter in self.parameters.items():
                state = {key: moments[f"{key}.{name}"].to(parameter.device, parameter.dtype) for key in _MOMENTS}
                self._optimizer.state[parameter] = {"step": torch.tensor(float(step)), **state}
        self._optimizer.zero_grad(set_to_none=True)
        self.version += 1


def _spread(
    batch: Sequence[Datum], indices: Sequence[int], scores: Scores, into: Sequence[List[float]]
) -> None:
    """Values of the read positions back to where they belong in each datum."""
    values = iter(scores.logprobs_L.detach().float().tolist())
    for index, datum in zip(indices, batch):
        for position in datum.read():
            into[index][position] = next(values)


def _read_weights(directory: Path, is_lora: bool) -> Dict[str, Tensor]:
    if is_lora:
        path = directory / "adapter_model.safetensors"
        if not path.exists():
            raise bad_request(f"{directory.name} holds no adapter", "Load weights that a LoRA model saved")
        return load_file(path)
    files = sorted(directory.glob("model*.safetensors"))
    if not files:
        raise bad_request(f"{directory.name} holds no model", "Load weights that a model of rank 0 saved")
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def _check(expected: Dict[str, Any], found: Dict[str, Tensor], directory: Path, exact: bool = True) -> None:
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [
        f"{name} has the shape {list(found[name].shape)}, expected {list(parameter.shape)}"
        for name, parameter in expected.items()
        if name in found and found[name].shape != parameter.shape
    ]
    problems += [f"{name} is not expected" for name in found if exact and name not in expected]
    problems += [f"{n} holds values that are not numbers" for n in expected if n in found and not found[n].isfinite().all()]
    if problems:
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise bad_request(
            f"{directory.name} does not fit the model: {'; '.join(problems[:3])}{more}",
            "Load it with the model it was trained for",
        )
