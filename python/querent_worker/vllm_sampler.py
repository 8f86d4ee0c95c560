"""Sampling by vLLM on the same GPU, where it is installed: faster for large models. The adapter travels by way of the disk.

vLLM says how probable a token was under what it was drawn from; what the trainer's own kernels make of the same tokens comes
from one forward pass, so that ratios start at 1 and the difference shows as ``samplerMismatch``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, List, Sequence

import torch

from .base_model import Settings
from .errors import WorkerError
from .forward import Datum, batches, score_batch
from .policy_model import PolicyModel
from .sampling import Prompt, SamplingParams, Sequence_


class VllmSampler:
    def __init__(self, settings: Settings, max_length: int, rank: int) -> None:
        try:
            from vllm import LLM
        except ImportError as missing:
            raise WorkerError(
                "worker/no-vllm",
                "vLLM is not installed",
                next_step="pip install vllm, or start the worker with --sampler transformers",
            ) from missing
        self._budget = settings.token_budget
        self._folder = Path(tempfile.mkdtemp(prefix="querent-adapter-"))
        self._llm = LLM(
            model=settings.model,
            dtype=str(settings.dtype).removeprefix("torch."),
            enable_lora=True,
            max_lora_rank=max(8, 1 << (rank - 1).bit_length()),
            max_model_len=max_length,
            gpu_memory_utilization=settings.vllm_memory,
            # Of what was drawn from, not of the raw logits.
            logprobs_mode="processed_logprobs",
        )
        self._adapter: Any = None
        self._adapter_key: tuple = ()
        self._count = 0

    def sample(
        self, model: Any, policy: PolicyModel, prompts: Sequence[Prompt], params: SamplingParams
    ) -> List[List[Sequence_]]:
        from vllm import SamplingParams as VllmParams

        if params.min_probability > 0:
            raise WorkerError(
                "worker/no-floor",
                "min_probability is not known to vLLM",
                next_step="Leave grpo.minProbability at 0, or start the worker with --sampler transformers",
            )
        requests = [
            VllmParams(
                n=prompt.samples,
                seed=prompt.seed % 2**63,
                max_tokens=params.max_tokens,
                temperature=params.temperature,
                top_k=params.top_k if params.top_k > 0 else -1,
                top_p=params.top_p,
                stop_token_ids=list(params.stop_tokens),
                ignore_eos=True,
                logprobs=0,
                detokenize=False,
            )
            for prompt in prompts
        ]
        inputs = [{"prompt_token_ids": list(prompt.tokens)} for prompt in prompts]
        outputs = self._llm.generate(inputs, requests, lora_request=self._request(policy), use_tqdm=False)
        groups = [[_sequence(completion) for completion in output.outputs] for output in outputs]
        self._score(model, prompts, groups, params.temperature if params.temperature > 0 else 1.0)
        return groups

    def _request(self, policy: PolicyModel) -> Any:
        from vllm.lora.request import LoRARequest

        key = (policy.id, policy.version)
        if key != self._adapter_key:
            self._count += 1
            folder = self._folder / str(self._count)
            folder.mkdir()
            policy.save(folder, with_optimizer=False)
            shutil.rmtree(self._folder / str(self._count - 1), ignore_errors=True)
            self._adapter = LoRARequest(f"adapter-{self._count}", self._count, str(folder))
            self._adapter_key = key
        return self._adapter

    @torch.no_grad()
    def _score(
        self, model: Any, prompts: Sequence[Prompt], groups: List[List[Sequence_]], temperature: float
    ) -> None:
        sequences = [(prompt, sequence) for prompt, group in zip(prompts, groups) for sequence in group]
        data = []
        for prompt, sequence in sequences:
            whole = [*prompt.tokens, *sequence.tokens]
            weights = [0.0] * (len(prompt.tokens) - 1) + [1.0] * len(sequence.tokens)
            data.append(Datum(whole[:-1], whole[1:], {"weights": weights}))
        for indices in batches(data, self._budget):
            batch = [data[i] for i in indices]
            scores = score_batch(model, batch, temperature=temperature, with_gradient=False)
            values = iter(scores.logprobs_L.float().tolist())
            for index in indices:
                sequence = sequences[index][1]
                sequence.policy_logprobs = [next(values) for _ in sequence.tokens]


def _sequence(completion: Any) -> Sequence_:
    tokens = list(completion.token_ids)
    logprobs = [float(entry[token].logprob) for token, entry in zip(tokens, completion.logprobs)]
    return Sequence_(tokens, logprobs, [], "length" if completion.finish_reason == "length" else "stop")
