"""Answers to sampling requests: from which weights, and in the API's words. Knows models and saved weights, no HTTP."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

import torch

from .base_model import BaseModel
from .checkpoints import Checkpoints
from .errors import WorkerError
from .forward import Datum, score_batch
from .policy_model import PolicyModel
from .sampling import Prompt, SamplingParams, Sequence_, sample

#: Snapshots that stay loaded beside the models themselves.
_SNAPSHOTS_MAX = 2


@dataclass(frozen=True)
class SamplingJob:
    prompt: Prompt
    wants_prompt_logprobs: bool
    #: Of the prompt's log-probabilities.
    temperature: float


class Samples:
    def __init__(
        self, base: BaseModel, checkpoints: Checkpoints, models: Dict[str, PolicyModel], instance: str
    ) -> None:
        self._base = base
        self._checkpoints = checkpoints
        self._models = models
        self._instance = instance
        self._snapshots: "OrderedDict[str, PolicyModel]" = OrderedDict()
        self._vllm: Any = None

    def answer(self, source: tuple, params: SamplingParams, jobs: Sequence[SamplingJob]) -> List[Dict[str, Any]]:
        """``source`` is ("base" | "path" | "model" | "reference", name)."""
        kind, name = source
        if kind == "base":
            model = self._base.shared()
            with self._base.plain():
                return self._sample(model, None, params, jobs)
        policy = self._snapshot(name) if kind == "path" else self._models.get(name)
        if policy is None:
            raise WorkerError("worker/unknown-model", f"there is no model {name!r}", status=404)
        with policy.active(use_reference=kind == "reference") as model:
            return self._sample(model, None if kind == "reference" else policy, params, jobs)

    def _sample(
        self, model: Any, policy: Optional[PolicyModel], params: SamplingParams, jobs: Sequence[SamplingJob]
    ) -> List[Dict[str, Any]]:
        model.eval()
        settings = self._base.settings
        prompts = [job.prompt for job in jobs]
        if settings.sampler == "vllm" and policy is not None and policy.is_lora:
            from .vllm_sampler import VllmSampler

            self._vllm = self._vllm or VllmSampler(settings, self._base.max_length, policy.rank)
            groups = self._vllm.sample(model, policy, prompts, params)
        else:
            groups = sample(model, prompts, params, settings.sample_rows)
        answers = []
        for job, group in zip(jobs, groups):
            answer: Dict[str, Any] = {"type": "sample", "sequences": [_in_words(s, params) for s in group]}
            if job.wants_prompt_logprobs:
                answer["prompt_logprobs"] = _prompt_logprobs(model, job)
            answers.append(answer)
        return answers

    def _snapshot(self, path: str) -> PolicyModel:
        """Saved weights to sample from: a model that still has them, or loaded beside it."""
        directory = self._checkpoints.resolve(path)
        facts = self._checkpoints.facts(directory)
        owner = self._models.get(facts["model_id"])
        if owner is not None and facts["instance"] == self._instance and owner.version == facts["version"]:
            return owner
        known = self._snapshots.pop(path, None)
        if known is None:
            while len(self._snapshots) >= _SNAPSHOTS_MAX:
                self._snapshots.popitem(last=False)[1].unload()
            known = PolicyModel(self._base, f"snapshot_{uuid.uuid4().hex[:12]}", facts["lora"])
            known.load(directory, with_optimizer=False)
        self._snapshots[path] = known
        return known


def _in_words(sequence: Sequence_, params: SamplingParams) -> Dict[str, Any]:
    # A greedy choice is certain; a client of the public API expects the model's log-probability there.
    logprobs = sequence.policy_logprobs if params.temperature == 0 else sequence.logprobs
    return {
        "tokens": sequence.tokens,
        "logprobs": logprobs,
        "policy_logprobs": sequence.policy_logprobs,
        "stop_reason": sequence.stop_reason,
    }


def _prompt_logprobs(model: Any, job: SamplingJob) -> List[Optional[float]]:
    tokens = list(job.prompt.tokens)
    if len(tokens) == 1:
        return [None]
    datum = Datum(tokens[:-1], tokens[1:], {"weights": [1.0] * (len(tokens) - 1)})
    with torch.no_grad():
        scores = score_batch(model, [datum], temperature=job.temperature, with_gradient=False)
    return [None, *scores.logprobs_L.float().tolist()]
