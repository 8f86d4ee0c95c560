"""Draws completions: prefill once a prompt, a KV cache, filters as in the TypeScript engine. Knows a causal model, no HTTP.

A sequence depends on its prompt, seed and index alone, not on what it is sampled together with (up to rounding).
Axes: N rows, V vocabulary, P prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

import torch
from torch import Tensor

from .errors import WorkerError


@dataclass(frozen=True)
class SamplingParams:
    """``temperature`` 0 is greedy. Filters apply in the order top-k, top-p, floor; what is left is renormalised."""

    max_tokens: int
    temperature: float
    top_k: int
    top_p: float
    min_probability: float
    stop_tokens: tuple[int, ...]


@dataclass(frozen=True)
class Prompt:
    tokens: tuple[int, ...]
    samples: int
    seed: int


@dataclass
class Sequence_:
    """``logprobs`` belong to the distribution that was drawn from, ``policy_logprobs`` to softmax(logits / temperature)."""

    tokens: List[int]
    logprobs: List[float]
    policy_logprobs: List[float]
    stop_reason: str


def filter_probabilities(probabilities_NV: Tensor, params: SamplingParams) -> Tensor:
    """Zeroes what the filters leave out."""
    kept_NV = probabilities_NV
    vocabulary = kept_NV.shape[1]
    if 0 < params.top_k < vocabulary or params.top_p < 1:
        order = kept_NV.argsort(dim=1, descending=True, stable=True)
        sorted_NV = kept_NV.gather(1, order)
        if 0 < params.top_k < vocabulary:
            sorted_NV[:, params.top_k :] = 0
        if params.top_p < 1:
            before_NV = sorted_NV.cumsum(1) - sorted_NV
            goal_N1 = params.top_p * sorted_NV.sum(1, keepdim=True)
            beyond_NV = before_NV >= goal_N1
            beyond_NV[:, 0] = False
            sorted_NV = sorted_NV.masked_fill(beyond_NV, 0)
        kept_NV = torch.zeros_like(kept_NV).scatter(1, order, sorted_NV)
    if params.min_probability > 0:
        best_N1 = kept_NV.argmax(dim=1, keepdim=True)
        below_NV = probabilities_NV < params.min_probability
        below_NV.scatter_(1, best_N1, False)
        kept_NV = kept_NV.masked_fill(below_NV, 0)
    return kept_NV


def choose(logits_NV: Tensor, params: SamplingParams, uniform_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, their log-probabilities as drawn, and under the policy."""
    if not torch.isfinite(logits_NV).all():
        raise WorkerError(
            "worker/not-finite",
            "the model's probabilities are not numbers",
            next_step="Training has diverged: go back to an earlier checkpoint and lower the learning rate",
        )
    temperature = params.temperature if params.temperature > 0 else 1.0
    policy_NV = torch.log_softmax(logits_NV.float() / temperature, dim=1)
    if params.temperature == 0:
        tokens_N1 = policy_NV.argmax(dim=1, keepdim=True)
        policy_N = policy_NV.gather(1, tokens_N1)[:, 0]
        return tokens_N1[:, 0], torch.zeros_like(policy_N), policy_N
    probabilities_NV = filter_probabilities(policy_NV.exp(), params)
    # A running sum over a large vocabulary in float32 loses the rare tokens; Apple's GPUs have nothing wider.
    wide = torch.float32 if probabilities_NV.device.type == "mps" else torch.float64
    running_NV = probabilities_NV.to(wide).cumsum(1)
    total_N1 = running_NV[:, -1:]
    # The first token whose running sum passes u * total: never one of probability 0.
    tokens_N1 = torch.searchsorted(running_NV, uniform_N[:, None].to(wide) * total_N1, right=True)
    columns_V = torch.arange(probabilities_NV.shape[1], device=probabilities_NV.device)
    last_N1 = (columns_V * (probabilities_NV > 0)).amax(dim=1, keepdim=True)
    tokens_N1 = torch.minimum(tokens_N1, last_N1)
    policy_N = policy_NV.gather(1, tokens_N1)[:, 0]
    drawn_N = policy_N - total_N1[:, 0].log().float()
    return tokens_N1[:, 0], drawn_N, policy_N


def _uniform(prompts: Sequence[Prompt], length: int) -> Tensor:
    """One generator a sequence, seeded by its prompt's seed and its index."""
    rows = []
    for prompt in prompts:
        draws = torch.empty(prompt.samples, length)
        for index in range(prompt.samples):
            generator = torch.Generator().manual_seed((prompt.seed * 1_000_003 + index) % 2**63)
            torch.rand(length, generator=generator, out=draws[index])
        rows.append(draws)
    return torch.cat(rows)


class _Rows:
    """The sequences that still run: which they are, and what the model remembers of them."""

    def __init__(self, count: int, device: torch.device) -> None:
        self.index = torch.arange(count, device=device)

    def keep(self, running: Tensor, cache: object, *columns: Tensor) -> List[Tensor]:
        self.index = self.index[running]
        cache.batch_select_indices(running.nonzero()[:, 0])
        return [column[running] for column in columns]


@torch.inference_mode()
def sample_rows(model: torch.nn.Module, prompts: Sequence[Prompt], params: SamplingParams) -> List[List[Sequence_]]:
    """Every sequence of these prompts at once."""
    device = next(model.parameters()).device
    uniform_NT = _uniform(prompts, params.max_tokens).to(device)
    width = max(len(prompt.tokens) for prompt in prompts)
    ids_PT = torch.zeros(len(prompts), width, dtype=torch.long)
    mask_PT = torch.zeros(len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids_PT[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens)
        mask_PT[row, width - len(prompt.tokens) :] = 1
    ids_PT, mask_PT = ids_PT.to(device), mask_PT.to(device)
    positions_PT = (mask_PT.cumsum(1) - 1).clamp(min=0)
    out = model(
        input_ids=ids_PT, attention_mask=mask_PT, position_ids=positions_PT, use_cache=True, logits_to_keep=1
    )
    cache = out.past_key_values
    repeats = torch.tensor([prompt.samples for prompt in prompts], device=device)
    owner_N = torch.arange(len(prompts), device=device).repeat_interleave(repeats)
    cache.batch_select_indices(owner_N)
    logits_NV, mask_NT = out.logits[:, -1][owner_N], mask_PT[owner_N]
    next_position_N = mask_NT.sum(1)
    count = owner_N.shape[0]
    stops = torch.tensor(params.stop_tokens, device=device, dtype=torch.long)
    results = [Sequence_([], [], [], "length") for _ in range(count)]
    rows = _Rows(count, device)
    for step in range(params.max_tokens):
        tokens_N, drawn_N, policy_N = choose(logits_NV, params, uniform_NT[rows.index, step])
        stopped_N = torch.isin(tokens_N, stops)
        columns = (rows.index, tokens_N, drawn_N, policy_N, stopped_N)
        for index, token, drawn, policy, stopped in zip(*(column.tolist() for column in columns)):
            result = results[index]
            result.tokens.append(token)
            result.logprobs.append(drawn)
            result.policy_logprobs.append(policy)
            if stopped:
                result.stop_reason = "stop"
        if stopped_N.all() or step + 1 == params.max_tokens:
            break
        if stopped_N.any():
            running_N = ~stopped_N
            tokens_N, mask_NT, next_position_N = rows.keep(running_N, cache, tokens_N, mask_NT, next_position_N)
        mask_NT = torch.cat([mask_NT, mask_NT.new_ones(len(mask_NT), 1)], dim=1)
        logits_NV = model(
            input_ids=tokens_N[:, None],
            attention_mask=mask_NT,
            position_ids=next_position_N[:, None],
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
        next_position_N = next_position_N + 1
    grouped, start = [], 0
    for prompt in prompts:
        grouped.append(results[start : start + prompt.samples])
        start += prompt.samples
    return grouped


def sample(
    model: torch.nn.Module, prompts: Sequence[Prompt], params: SamplingParams, rows_max: int
) -> List[List[Sequence_]]:
    """In portions of at most ``rows_max`` sequences (one prompt's samples stay together). Longest prompts first: less padding."""
    results: List[Optional[List[Sequence_]]] = [None] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i].tokens))
    start = 0
    while start < len(order):
        end, rows = start + 1, prompts[order[start]].samples
        while end < len(order) and rows + prompts[order[end]].samples <= rows_max:
            rows += prompts[order[end]].samples
            end += 1
        portion = order[start:end]
        for index, sequences in zip(portion, sample_rows(model, [prompts[i] for i in portion], params)):
            results[index] = sequences
        start = end
    return [sequences for sequences in results if sequences is not None]
