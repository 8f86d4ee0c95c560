"""The API's verbs over one base model. Knows sessions, models and saved weights by their ids; does not know HTTP.

Everything that touches a model runs in order on the one thread of ``Futures``; the rest only looks at ids.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from typing import Any, Dict, List, Optional

from . import PROTOCOL, __version__
from .base_model import BaseModel, Settings
from .checkpoints import Checkpoints
from .errors import WorkerError, as_worker_error, bad_request, release_memory
from .futures import Futures, Job
from .losses import LOSSES, parse_loss
from .policy_model import PolicyModel
from .requests import field, parse_adam, parse_data, parse_sampling, tokens_of
from .samples import Samples, SamplingJob
from .sampling import Prompt

#: Models of a client that has been silent for so long make room.
_SILENT_S = 3600.0

Body = Dict[str, Any]


class Service:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base = BaseModel(settings)
        self.checkpoints = Checkpoints(settings.checkpoints)
        self.instance = secrets.token_hex(8)
        self.models: Dict[str, PolicyModel] = {}
        self._sessions: Dict[str, float] = {}
        self._model_sessions: Dict[str, str] = {}
        self._samplers: Dict[str, str] = {}
        self._created: Dict[tuple, Body] = {}
        self._doing = "load"
        self._samples = Samples(self.base, self.checkpoints, self.models, self.instance)
        self.futures = Futures(self._as_error)

    def _as_error(self, thrown: BaseException) -> WorkerError:
        settings = self.settings
        return as_worker_error(thrown, self._doing, budget=settings.token_budget, rows=settings.sample_rows)

    # --- what is answered at once

    def capabilities(self) -> Body:
        base, settings = self.base, self.settings
        return {
            "supported_models": [
                {
                    "model_name": settings.model,
                    "max_context_length": base.max_length,
                    "trainable": True,
                    "sampleable": True,
                }
            ],
            "querent_worker": {
                "protocol": PROTOCOL,
                "version": __version__,
                "instance": self.instance,
                "vocab_size": base.vocab_size,
                "parameter_count": base.parameter_count,
                "losses": list(LOSSES),
                "device": str(settings.device),
                "dtype": str(settings.dtype).removeprefix("torch."),
                "quantization": settings.quantization,
                "sampler": settings.sampler,
            },
        }

    def create_session(self, _body: Body) -> Body:
        self._drop_silent()
        session_id = f"session_{uuid.uuid4().hex[:12]}"
        self._sessions[session_id] = time.monotonic()
        return {"type": "create_session", "session_id": session_id}

    def session_heartbeat(self, body: Body) -> Body:
        self._touch(field(body, "session_id", str))
        return {"type": "session_heartbeat"}

    def create_sampling_session(self, body: Body) -> Body:
        self._touch(field(body, "session_id", str))
        source = body.get("model_path") or body.get("base_model")
        if not isinstance(source, str):
            raise bad_request("one of 'base_model' and 'model_path' was expected")
        return {"type": "create_sampling_session", "sampling_session_id": self._new_sampler(source)}

    def get_info(self, body: Body) -> Body:
        model = self._model(body)
        name = self.settings.model
        return {
            "type": "get_info",
            "model_id": model.id,
            "model_name": name,
            "model_data": {"arch": self.base.config.model_type, "model_name": name, "tokenizer_id": name},
            "is_lora": model.is_lora,
            "lora_rank": model.rank if model.is_lora else None,
        }

    def weights_info(self, body: Body) -> Body:
        facts = self.checkpoints.facts(self.checkpoints.resolve(field(body, "tinker_path", str)))
        rank = facts["lora"]["rank"]
        return {"base_model": facts["base_model"], "is_lora": rank > 0, "lora_rank": rank or None}

    def list_checkpoints(self, model_id: str) -> Body:
        return {"checkpoints": self.checkpoints.list(model_id)}

    # --- futures

    def create_model(self, body: Body, _raw: bytes) -> Body:
        session = field(body, "session_id", str)
        self._touch(session)
        name = field(body, "base_model", str)
        if name != self.settings.model:
            raise WorkerError(
                "worker/other-model",
                f"this worker serves {self.settings.model}, not {name}",
                next_step="Ask for that model, or start a worker with --model",
            )
        lora = self._lora(body.get("lora_config") or {})
        model_id = f"model_{uuid.uuid4().hex[:12]}"
        seq_id = body.get("model_seq_id")
        if (session, seq_id) in self._created:
            return self._created[session, seq_id]

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "load"
            model = PolicyModel(self.base, model_id, lora)
            self.models[model_id] = model
            return [{"type": "create_model", "model_id": model_id, "trainable_count": model.trainable_count}]

        self._model_sessions[model_id] = session
        request_id = self.futures.submit(work, None)
        answer = {"request_id": request_id, "future_id": request_id, "status": "pending", "model_id": model_id}
        if seq_id is not None:
            self._created[session, seq_id] = answer
        return answer

    def _lora(self, raw: Body) -> Body:
        rank, alpha = field(raw, "rank", int, 32), field(raw, "alpha", float, 32.0)
        targets = field(raw, "target_modules", list, None)
        seed = field(raw, "seed", int, 0)
        if rank < 0 or alpha <= 0 or seed < 0:
            raise bad_request(f"rank {rank}, alpha {alpha}, seed {seed}: out of range")
        return {"rank": rank, "alpha": alpha, "seed": seed, "target_modules": targets}

    def unload_model(self, body: Body, raw: bytes) -> Body:
        model_id = self._known_model(body)

        def work(_jobs: List[Job]) -> List[Body]:
            self._unload(model_id)
            return [{"type": "unload_model", "model_id": model_id}]

        return self._future(work, body, raw, "unload_model")

    def forward_backward(self, body: Body, raw: bytes) -> Body:
        data_body = field(body, "forward_backward_input", dict)
        loss = parse_loss(data_body.get("loss_fn"), data_body.get("loss_fn_config"))
        data = parse_data(data_body.get("data"), loss, self.base.vocab_size, self.base.max_length)
        self._known_model(body)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "train"
            result = self._model(body).forward_backward(data, loss)
            metrics = {f"{name}:sum": value for name, value in result["metrics"].items()}
            return [_loss_output(result["logprobs"], metrics)]

        return self._future(work, body, raw, "forward_backward")

    def forward(self, body: Body, raw: bytes) -> Body:
        data_body = field(body, "forward_input", dict)
        # The loss itself is not computed: only log-probabilities are asked for.
        config = data_body.get("loss_fn_config") or {}
        loss = parse_loss("cross_entropy", {k: v for k, v in config.items() if k == "temperature"})
        data = parse_data(data_body.get("data"), loss, self.base.vocab_size, self.base.max_length)
        use_reference = field(body, "use_reference", bool, False)
        self._known_model(body)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "train"
            return [_loss_output(self._model(body).forward(data, loss.temperature, use_reference), {})]

        return self._future(work, body, raw, "forward")

    def optim_step(self, body: Body, raw: bytes) -> Body:
        adam = parse_adam(field(body, "adam_params", dict, {}))
        self._known_model(body)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "train"
            return [{"metrics": {"grad_norm": self._model(body).optim_step(adam)}}]

        return self._future(work, body, raw, "optim_step")

    def freeze_reference(self, body: Body, raw: bytes) -> Body:
        self._known_model(body)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "load"
            self._model(body).freeze_reference()
            return [{"type": "freeze_reference"}]

        return self._future(work, body, raw, "freeze_reference")

    def save_weights(self, body: Body, raw: bytes) -> Body:
        model_id = self._known_model(body)
        name = field(body, "path", str, None) or f"seq{field(body, 'seq_id', int, 0)}"
        self.checkpoints.directory(model_id, "weights", name)  # refuses a bad name before anything is done

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "train"
            return [{"type": "save_weights", "path": self._write(self._model(body), "weights", name)}]

        return self._future(work, body, raw, "save_weights")

    def save_weights_for_sampler(self, body: Body, raw: bytes) -> Body:
        model_id = self._known_model(body)
        named = field(body, "path", str, None)
        session_seq, seq = body.get("sampling_session_seq_id"), body.get("seq_id")
        name = named or f"ss{session_seq}_seq{seq}"
        self.checkpoints.directory(model_id, "sampler_weights", name)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "train"
            path = self._write(self._model(body), "sampler_weights", name)
            answer: Body = {"type": "save_weights_for_sampler", "path": path}
            if session_seq is not None:
                answer["sampling_session_id"] = self._new_sampler(path)
            return [answer]

        return self._future(work, body, raw, "save_weights_for_sampler")

    def load_weights(self, body: Body, raw: bytes) -> Body:
        self._known_model(body)
        path = field(body, "path", str)
        with_optimizer = field(body, "optimizer", bool, False)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "load"
            self._model(body).load(self.checkpoints.resolve(path), with_optimizer)
            return [{"type": "load_weights", "path": path}]

        return self._future(work, body, raw, "load_weights")

    def asample(self, body: Body, raw: bytes) -> Body:
        tokens = tokens_of(body.get("prompt"), self.base.vocab_size, "the prompt")
        samples = field(body, "num_samples", int, 1)
        params_body = field(body, "sampling_params", dict)
        params = parse_sampling(params_body, len(tokens), self.base.max_length, self._end_tokens())
        seed = field(params_body, "seed", int, None)
        if samples < 1:
            raise bad_request(f"num_samples is {samples}; at least 1 was expected")
        source = self._source(body)
        wants_prompt = field(body, "prompt_logprobs", bool, False)
        prompt = Prompt(tuple(tokens), samples, secrets.randbits(48) if seed is None else seed)
        temperature = field(params_body, "prompt_temperature", float, 1.0)
        payload = SamplingJob(prompt, wants_prompt, temperature)

        def work(jobs: List[Job]) -> List[Body]:
            self._doing = "sample"
            return self._samples.answer(source, params, [job.payload for job in jobs])

        return self._future(work, body, raw, "asample", payload, ("asample", source, params))

    def sample_prompts(self, body: Body, raw: bytes) -> Body:
        """Many prompts in one request: always the same batches, so the same draws to the last digit."""
        jobs = []
        longest = 1
        for index, prompt in enumerate(field(body, "prompts", list)):
            tokens = tokens_of(prompt.get("prompt"), self.base.vocab_size, f"prompt {index}")
            samples = field(prompt, "num_samples", int, 1)
            if samples < 1:
                raise bad_request(f"num_samples is {samples}; at least 1 was expected")
            longest = max(longest, len(tokens))
            jobs.append(SamplingJob(Prompt(tuple(tokens), samples, field(prompt, "seed", int)), False, 1.0))
        params_body = field(body, "sampling_params", dict)
        params = parse_sampling(params_body, longest, self.base.max_length, self._end_tokens())
        source = self._source(body)

        def work(_jobs: List[Job]) -> List[Body]:
            self._doing = "sample"
            return [{"type": "sample_prompts", "groups": self._samples.answer(source, params, jobs)}]

        return self._future(work, body, raw, "asample")

    # --- on the worker's thread

    def _write(self, model: PolicyModel, kind: str, name: str) -> str:
        facts = {
            "model_id": model.id,
            "instance": self.instance,
            "version": model.version,
            "base_model": self.settings.model,
            "lora": model.lora,
        }
        with_optimizer = kind == "weights"
        return self.checkpoints.write(
            model.id, kind, name, facts, lambda directory: model.save(directory, with_optimizer)
        )

    def _unload(self, model_id: str) -> None:
        model = self.models.pop(model_id, None)
        self._model_sessions.pop(model_id, None)
        if model is not None:
            model.unload()
            release_memory()

    # --- ids

    def _future(
        self, work: Any, body: Body, raw: bytes, verb: str, payload: Any = None, merge_key: Optional[tuple] = None
    ) -> Body:
        # Sampling has its own numbers, which the API leaves to the client.
        seq_id = None if verb == "asample" else body.get("seq_id")
        identity = None if seq_id is None else (body["model_id"], seq_id)
        request_id = self.futures.submit(
            work, payload, identity=identity, body=verb.encode() + raw, merge_key=merge_key
        )
        return {"request_id": request_id, "future_id": request_id, "status": "pending"}

    def _touch(self, session_id: str) -> None:
        if session_id not in self._sessions:
            raise WorkerError("worker/unknown-session", f"there is no session {session_id!r}", status=404)
        self._sessions[session_id] = time.monotonic()

    def _drop_silent(self) -> None:
        silent = {s for s, at in self._sessions.items() if time.monotonic() - at > _SILENT_S}
        for model_id in [m for m, session in self._model_sessions.items() if session in silent]:
            self.futures.submit(lambda _jobs, gone=model_id: [self._unload(gone)], None)
        for session in silent:
            del self._sessions[session]

    def _known_model(self, body: Body) -> str:
        model_id = field(body, "model_id", str)
        session = self._model_sessions.get(model_id)
        if session is None:
            raise WorkerError("worker/unknown-model", f"there is no model {model_id!r}", status=404)
        self._sessions[session] = time.monotonic()
        return model_id

    def _model(self, body: Body) -> PolicyModel:
        model = self.models.get(self._known_model(body))
        if model is None:
            raise WorkerError("worker/unknown-model", "the model could not be created", status=404)
        return model

    def _source(self, body: Body) -> tuple:
        if body.get("model_id") is not None:
            kind = "reference" if field(body, "use_reference", bool, False) else "model"
            return (kind, self._known_model(body))
        session = body.get("sampling_session_id")
        if session is not None:
            if session not in self._samplers:
                raise WorkerError("worker/unknown-session", f"there is no sampling session {session!r}", status=404)
            source = self._samplers[session]
        else:
            source = body.get("model_path") or body.get("base_model")
        if source == self.settings.model:
            return ("base", source)
        if not isinstance(source, str) or not source.startswith("tinker://"):
            raise bad_request(f"{source!r} is neither this worker's model nor a path of weights")
        self.checkpoints.resolve(source)
        return ("path", source)

    def _new_sampler(self, source: str) -> str:
        sampler = f"sampling_{uuid.uuid4().hex[:12]}"
        self._samplers[sampler] = source
        return sampler

    def _end_tokens(self) -> List[int]:
        eos = self.base.config.eos_token_id
        return [] if eos is None else eos if isinstance(eos, list) else [eos]


def _loss_output(logprobs: List[List[float]], metrics: Body) -> Body:
    outputs = [{"logprobs": {"data": row, "dtype": "float32", "shape": [len(row)]}} for row in logprobs]
    return {"loss_fn_output_type": "ArrayRecord", "loss_fn_outputs": outputs, "metrics": metrics}


def to_json(value: Body) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
