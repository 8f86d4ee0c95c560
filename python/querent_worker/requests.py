"""Bodies of requests as checked values. Knows the API's names and shapes; does not know models or how anything is computed."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional

from .errors import bad_request
from .forward import Datum
from .losses import Loss, fields_of
from .sampling import SamplingParams


def field(body: Dict[str, Any], name: str, kind: type, default: Any = ...) -> Any:
    value = body.get(name)
    if value is None:
        if default is ...:
            raise bad_request(f"{name!r} is missing")
        return default
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise bad_request(f"{name!r} is {type(value).__name__}; {kind.__name__} was expected")
    return value


def tokens_of(model_input: Any, vocab_size: int, what: str) -> List[int]:
    chunks = model_input.get("chunks") if isinstance(model_input, dict) else None
    if not isinstance(chunks, list):
        raise bad_request(f"{what} has no chunks")
    tokens: List[int] = []
    for chunk in chunks:
        if not isinstance(chunk, dict) or not isinstance(chunk.get("tokens"), list):
            raise bad_request(f"{what} has a chunk that is not encoded text; images are not supported")
        tokens.extend(chunk["tokens"])
    _check_tokens(tokens, vocab_size, what)
    return tokens


def _check_tokens(tokens: List[Any], vocab_size: int, what: str) -> None:
    if not tokens:
        raise bad_request(f"{what} has no tokens")
    bad = next((t for t in tokens if type(t) is not int or not 0 <= t < vocab_size), None)
    if bad is not None:
        raise bad_request(
            f"{what} holds the token {bad!r}, outside of the vocabulary of {vocab_size}",
            "Check that the tokenizer belongs to this model",
        )


def parse_data(raw: Any, loss: Loss, vocab_size: int, max_length: int) -> List[Datum]:
    if not isinstance(raw, list) or not raw:
        raise bad_request("'data' is empty")
    return [_parse_datum(datum, loss, vocab_size, max_length, index) for index, datum in enumerate(raw)]


def _parse_datum(raw: Any, loss: Loss, vocab_size: int, max_length: int, index: int) -> Datum:
    what = f"datum {index}"
    if not isinstance(raw, dict) or not isinstance(raw.get("loss_fn_inputs"), dict):
        raise bad_request(f"{what} is no object with model_input and loss_fn_inputs")
    tokens = tokens_of(raw.get("model_input"), vocab_size, what)
    if len(tokens) > max_length:
        raise bad_request(f"{what} has {len(tokens)} tokens, the model takes at most {max_length}")
    given = {name: _values(value, f"{what}: {name}") for name, value in raw["loss_fn_inputs"].items()}
    targets = given.pop("target_tokens", [])
    _check_tokens(targets, vocab_size, f"{what}: target_tokens")
    given.setdefault("weights", [1.0] * len(tokens))
    inputs = {}
    for name in ("weights", *fields_of(loss)):
        if name not in given:
            raise bad_request(f"{what} has no {name}, which the loss {loss.name} reads")
        inputs[name] = given[name]
        if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in given[name]):
            raise bad_request(f"{what}: {name} holds a value that is no finite number")
    for name, values in (("target_tokens", targets), *inputs.items()):
        if len(values) != len(tokens):
            raise bad_request(f"{what}: {name} has {len(values)} entries for {len(tokens)} input tokens")
    return Datum(tokens, targets, inputs)


def _values(value: Any, what: str) -> List[Any]:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise bad_request(f"{what} is no object with data")
    if value.get("sparse_crow_indices") is not None:
        raise bad_request(f"{what} is sparse; dense data was expected")
    return value["data"]


def parse_adam(raw: Dict[str, Any]) -> Dict[str, float]:
    defaults = {"beta1": 0.9, "beta2": 0.95, "eps": 1e-12, "weight_decay": 0.0, "grad_clip_norm": 0.0}
    adam = {"learning_rate": field(raw, "learning_rate", float, 1e-4)}
    for name, default in defaults.items():
        adam[name] = field(raw, name, float, default)
    for name, value in adam.items():
        if not (math.isfinite(value) and value >= 0) or (name.startswith("beta") and value >= 1):
            raise bad_request(f"{name} of adam_params is {value}")
    return adam


def parse_sampling(raw: Dict[str, Any], prompt_length: int, max_length: int, eos: List[int]) -> SamplingParams:
    room = max_length - prompt_length
    max_tokens = field(raw, "max_tokens", int, room)
    if not 1 <= max_tokens <= room:
        raise bad_request(
            f"max_tokens is {max_tokens}; the prompt has {prompt_length} tokens and the model takes {max_length}"
        )
    stop: Optional[List[Any]] = raw.get("stop")
    if stop is None:
        stop = eos
    if not isinstance(stop, list) or not all(type(token) is int for token in stop):
        raise bad_request("'stop' holds strings; this worker stops at token ids", "Give the ids of the stop tokens")
    temperature, top_p = field(raw, "temperature", float, 1.0), field(raw, "top_p", float, 1.0)
    floor = field(raw, "min_probability", float, 0.0)
    if not (0 <= temperature < math.inf and 0 < top_p <= 1 and 0 <= floor < 1):
        raise bad_request(f"temperature {temperature}, top_p {top_p}, min_probability {floor}: out of range")
    top_k = field(raw, "top_k", int, -1)
    return SamplingParams(max_tokens, temperature, top_k, top_p, floor, tuple(stop))
