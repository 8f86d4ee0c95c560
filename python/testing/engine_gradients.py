"""Losses, log-probabilities and gradients of the engine's models in PyTorch: the oracle of its tests.

Reads a list of JSON requests on standard input and answers with one JSON line each. Weights arrive by name, as in Hugging Face
checkpoints; the model is transformers' class of that name with exactly these weights, adapters are written out by hand
after the paper (arXiv 2106.09685). Losses are written from their papers, sequence by sequence, without padding.
"""

import json
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)


class LoraLinear(torch.nn.Module):
    def __init__(self, base, a, b, scale):
        super().__init__()
        self.base, self.a, self.b, self.scale = base, a, b, scale

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.a.t() @ self.b.t())


def build(request):
    raw = dict(request["config"])
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(raw.pop("model_type"), **raw)).float()
    state = {name: torch.tensor(w["data"]).reshape(w["shape"]) for name, w in request["weights"].items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= {"lm_head.weight"}, missing
    model.tie_weights()
    return model.eval()


def add_adapter(model, request):
    adapter, parameters = request["adapter"], {}
    scale = request["loraAlpha"] / request["loraRank"]
    for name in adapter:
        if not name.endswith("lora_A.weight"):
            continue
        module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        names = {key: f"base_model.model.{module}.lora_{key}.weight" for key in "AB"}
        a, b = (
            torch.tensor(adapter[names[key]]["data"]).reshape(adapter[names[key]]["shape"]).requires_grad_()
            for key in "AB"
        )
        parameters[names["A"]], parameters[names["B"]] = a, b
        parent = model.get_submodule(module.rsplit(".", 1)[0])
        leaf = module.rsplit(".", 1)[1]
        setattr(parent, leaf, LoraLinear(getattr(parent, leaf), a, b, scale))
    return parameters


def token_loss(loss, logprobs, datum, read):
    """The objective of each read token; the loss is minus their weighted sum."""
    if loss["name"] == "cross_entropy":
        smoothing = loss.get("labelSmoothing", 0.0)
        target = datum["target"][read]
        chosen = logprobs.gather(1, target[:, None])[:, 0]
        return (1 - smoothing) * chosen + smoothing * logprobs.mean(dim=1), chosen
    chosen = logprobs.gather(1, datum["target"][read][:, None])[:, 0]
    advantage, old = datum["advantages"][read], datum["old"][read]
    token_ratio = torch.exp(chosen - old)
    low, high = 1 - loss["clipLow"], 1 + loss["clipHigh"]
    if loss["name"] == "cispo":
        objective = token_ratio.clamp(low, high).detach() * advantage * chosen
    else:
        ratio = token_ratio
        if loss["ratioLevel"] == "sequence":
            ratio = torch.exp((chosen - old).mean()).expand_as(chosen)
        objective = torch.minimum(ratio * advantage, ratio.clamp(low, high) * advantage)
    if loss["klBeta"] != 0:
        difference = datum["reference"][read] - chosen
        objective = objective - loss["klBeta"] * token_ratio * (torch.exp(difference) - difference - 1)
    return objective, chosen


def answer(request):
    model = build(request)
    if request.get("adapter"):
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        parameters = add_adapter(model, request)
    else:
        parameters = {name: p for name, p in model.named_parameters()}
    temperature = request["loss"].get("temperature", 1.0)
    total = torch.zeros(())
    logprobs_out = []
    for raw in request["data"]:
        datum = {key: torch.tensor(value) for key, value in raw.items()}
        logits = model(datum["input"][None]).logits[0] / temperature
        read = datum["weights"].nonzero()[:, 0]
        objective, chosen = token_loss(request["loss"], torch.log_softmax(logits[read], dim=1), datum, read)
        total = total - (datum["weights"][read] * objective).sum()
        out = torch.zeros(len(raw["input"]))
        out[read] = chosen.detach()
        logprobs_out.append(out.tolist())
    total.backward()
    gradients = {name: p.grad.flatten().tolist() for name, p in parameters.items() if p.grad is not None}
    return {"loss": total.item(), "logprobs": logprobs_out, "gradients": gradients}


for one in json.load(sys.stdin):
    print(json.dumps(answer(one)))
