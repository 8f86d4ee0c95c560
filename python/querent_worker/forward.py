"""Log-probabilities of target tokens, with or without gradients: padded batches by a token budget, a vocabulary in chunks.

Knows a causal model and one sequence's arrays; does not know adapters, optimizers or requests.
Axes: T positions of a sequence, B sequences, L read positions of a batch, D hidden size, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

#: Bytes of logits that exist at once (float32).
_LOGIT_BYTES = 256 * 1024 * 1024
#: Configurations that do something to the logits after the output layer: those models run as a whole.
_TRANSFORMED_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")


@dataclass(frozen=True)
class Datum:
    """``inputs`` by the API's names (weights, advantages, logprobs, …), each as long as the tokens."""

    tokens: List[int]
    targets: List[int]
    inputs: Dict[str, List[float]]

    def read(self) -> List[int]:
        return [t for t, weight in enumerate(self.inputs["weights"]) if weight != 0]


@dataclass(frozen=True)
class Scores:
    """Of the read positions of a batch, one after the other."""

    logprobs_L: Tensor
    mean_logprobs_L: Optional[Tensor]
    entropy_L: Tensor
    #: Sequence of the batch that each position belongs to.
    sequence_L: Tensor


def batches(data: Sequence[Datum], token_budget: int) -> Iterator[List[int]]:
    """Indices of data that run together: like lengths side by side, padding counted."""
    order = sorted(range(len(data)), key=lambda i: len(data[i].tokens))
    batch: List[int] = []
    for index in order:
        width = len(data[index].tokens)  # ascending: this one is the widest so far
        if batch and (len(batch) + 1) * width > token_budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _head(weight_module: nn.Module, hidden: Tensor, targets: Tensor, temperature: float, wants_mean: bool):
    return _score(weight_module(hidden), targets, temperature, wants_mean)


def _score(logits: Tensor, targets: Tensor, temperature: float, wants_mean: bool):
    all_logprobs = torch.log_softmax(logits.float() / temperature, dim=-1)
    chosen = all_logprobs.gather(-1, targets[:, None])[:, 0]
    mean = all_logprobs.mean(dim=-1) if wants_mean else torch.zeros_like(chosen)
    with torch.no_grad():
        entropy = -(all_logprobs.exp() * all_logprobs).sum(dim=-1)
    return chosen, mean, entropy


def score_batch(
    model: nn.Module, data: Sequence[Datum], *, temperature: float, wants_mean: bool = False, with_gradient: bool
) -> Scores:
    """``model`` is the causal model itself (not PEFT's wrapper), adapters injected."""
    device = next(model.parameters()).device
    width = max(len(datum.tokens) for datum in data)
    ids_BT = torch.zeros(len(data), width, dtype=torch.long)
    mask_BT = torch.zeros(len(data), width, dtype=torch.long)
    rows: List[int] = []
    columns: List[int] = []
    targets: List[int] = []
    for row, datum in enumerate(data):
        ids_BT[row, : len(datum.tokens)] = torch.tensor(datum.tokens)
        mask_BT[row, : len(datum.tokens)] = 1
        read = datum.read()
        rows.extend([row] * len(read))
        columns.extend(read)
        targets.extend(datum.targets[t] for t in read)
    row_L, column_L = torch.tensor(rows, device=device), torch.tensor(columns, device=device)
    target_L = torch.tensor(targets, device=device)
    is_padded = bool((mask_BT == 0).any())
    inputs = {"input_ids": ids_BT.to(device), "use_cache": False}
    if is_padded:
        inputs["attention_mask"] = mask_BT.to(device)
    if any(getattr(model.config, name, None) for name in _TRANSFORMED_LOGITS):
        logits_LV = model(**inputs).logits[row_L, column_L]
        chosen_L, mean_L, entropy_L = _score(logits_LV, target_L, temperature, wants_mean)
        return Scores(chosen_L, mean_L, entropy_L, row_L)
    hidden_LD = model.get_decoder()(**inputs).last_hidden_state[row_L, column_L]
    head = model.get_output_embeddings()
    chunk = max(1, _LOGIT_BYTES // (4 * head.weight.shape[0]))
    parts = []
    for start in range(0, len(targets), chunk):
        arguments = (head, hidden_LD[start : start + chunk], target_L[start : start + chunk], temperature, wants_mean)
        # The logits of a chunk are computed again in the backward pass instead of being kept.
        parts.append(checkpoint(_head, *arguments, use_reentrant=False) if with_gradient else _head(*arguments))
    chosen_L, mean_L, entropy_L = (torch.cat(part) for part in zip(*parts))
    return Scores(chosen_L, mean_L if wants_mean else None, entropy_L, row_L)


def gather_inputs(data: Sequence[Datum], name: str, device: torch.device) -> Tensor:
    """One input at the read positions of a batch."""
    values = [datum.inputs[name][t] for datum in data for t in datum.read()]
    return torch.tensor(values, dtype=torch.float32, device=device)
