"""Losses as weighted sums over tokens, the same as ``src/engine/losses`` computes them. Knows log-probabilities, no model.

Axes: L read positions of a batch, one after the other; S sequences. Formulas: PPO's clipped surrogate (arXiv 1707.06347 eq. 7)
with separate bounds, CISPO (2506.13585 eq. 4), GSPO (2507.18071 eq. 5 and 7), k3 (http://joschu.net/blog/kl-approx.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

import torch
from torch import Tensor

from .errors import WorkerError, bad_request

LOSSES = ("cross_entropy", "importance_sampling", "ppo", "cispo", "gspo")

#: Log ratios beyond this are cut (e^20), as in the TypeScript engine: an infinity would turn a whole gradient into NaN.
_LOG_RATIO_LIMIT = 20.0

_CLIPPED = {"clip_low_threshold", "clip_high_threshold"}
_KL = {"kl_beta", "temperature"}
_SETTINGS = {
    "cross_entropy": {"label_smoothing", "temperature"},
    "importance_sampling": _KL,
    "ppo": _KL | _CLIPPED,
    "cispo": _KL | _CLIPPED,
    "gspo": _KL | _CLIPPED,
}
_DEFAULTS = {
    "clip_low_threshold": 0.8,
    "clip_high_threshold": 1.2,
    "kl_beta": 0.0,
    "label_smoothing": 0.0,
    "temperature": 1.0,
}


@dataclass(frozen=True)
class Loss:
    """``clip_low`` and ``clip_high`` bound the ratio itself, for example 0.8 and 1.28."""

    name: str
    clip_low: float
    clip_high: float
    kl_beta: float
    label_smoothing: float
    temperature: float


def parse_loss(name: object, config: Optional[Mapping[str, object]]) -> Loss:
    if name not in LOSSES:
        raise WorkerError("worker/unknown-loss", f"the loss {name!r} is unknown; known are {', '.join(LOSSES)}")
    values = dict(_DEFAULTS)
    for key, value in (config or {}).items():
        if key not in _SETTINGS[name]:
            raise bad_request(f"the loss {name} has no setting {key!r}; it has {', '.join(sorted(_SETTINGS[name]))}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise bad_request(f"{key} of the loss {name} is {value!r}; a finite number, not negative, was expected")
        values[key] = float(value)
    if values["temperature"] == 0:
        raise bad_request(f"temperature of the loss {name} is 0; above 0 was expected")
    return Loss(
        name,
        values["clip_low_threshold"],
        values["clip_high_threshold"],
        values["kl_beta"],
        values["label_smoothing"],
        values["temperature"],
    )


def fields_of(loss: Loss) -> tuple[str, ...]:
    """What a datum must bring beside its targets."""
    if loss.name == "cross_entropy":
        return ()
    return ("logprobs", "advantages", *(("reference_logprobs",) if loss.kl_beta > 0 else ()))


def _sequence_means(values_L: Tensor, sequence_L: Tensor, sequences: int) -> Tensor:
    sums_S = torch.zeros(sequences, dtype=values_L.dtype, device=values_L.device).index_add(0, sequence_L, values_L)
    counts_S = torch.bincount(sequence_L, minlength=sequences).clamp(min=1)
    return (sums_S / counts_S)[sequence_L]


def loss_sum(
    loss: Loss,
    logprobs_L: Tensor,
    mean_logprobs_L: Optional[Tensor],
    inputs_L: Mapping[str, Tensor],
    sequence_L: Tensor,
    sequences: int,
) -> Tensor:
    """``inputs_L`` has ``weights`` and what `fields_of` names."""
    weights_L = inputs_L["weights"]
    if loss.name == "cross_entropy":
        objective_L = logprobs_L
        if loss.label_smoothing > 0:
            objective_L = (1 - loss.label_smoothing) * logprobs_L + loss.label_smoothing * mean_logprobs_L
        return -(weights_L * objective_L).sum()
    advantages_L = inputs_L["advantages"]
    log_ratio_L = logprobs_L - inputs_L["logprobs"]
    token_ratio_L = log_ratio_L.clamp(-_LOG_RATIO_LIMIT, _LOG_RATIO_LIMIT).exp()
    ratio_L = token_ratio_L
    if loss.name == "gspo":
        mean_L = _sequence_means(log_ratio_L, sequence_L, sequences)
        ratio_L = mean_L.clamp(-_LOG_RATIO_LIMIT, _LOG_RATIO_LIMIT).exp()
    clipped_L = ratio_L.clamp(loss.clip_low, loss.clip_high)
    if loss.name == "importance_sampling":
        objective_L = ratio_L * advantages_L
    elif loss.name == "cispo":
        objective_L = clipped_L.detach() * advantages_L * logprobs_L
    else:
        objective_L = torch.minimum(ratio_L * advantages_L, clipped_L * advantages_L)
    if loss.kl_beta > 0:
        reference_L = inputs_L["reference_logprobs"]
        difference_L = (reference_L - logprobs_L).clamp(-_LOG_RATIO_LIMIT, _LOG_RATIO_LIMIT)
        k3_L = difference_L.exp() - difference_L - 1
        objective_L = objective_L - loss.kl_beta * token_ratio_L * k3_L
    return -(weights_L * objective_L).sum()

