"""Models and adapters made and read by Python's transformers and peft, for comparison with the TypeScript engine.

Reads one JSON list of jobs on standard input, answers with one JSON list. A job is one of
  {"do": "make", "directory", "config", "seed", "shardBytes"?, "dtype"?}      make a random model
  {"do": "make-adapter", "directory", "base", "lora", "seed"}                 make a random adapter of a model
  {"do": "logits", "directory", "adapter"?, "prompts", "newTokens"}           last logits and greedy continuations
  {"do": "tokenize", "directory", "texts"}                                    ids by AutoTokenizer
"""

import json
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)


def randomize(parameters, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * scale)


def make(job):
    raw = dict(job["config"])
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(raw.pop("model_type"), **raw)).float()
    randomize(model.parameters(), job["seed"], 0.15)
    model = model.to(getattr(torch, job.get("dtype", "float32")))
    model.save_pretrained(job["directory"], max_shard_size=job.get("shardBytes", "5GB"))
    return {"parameters": sum(p.numel() for p in model.parameters())}


def make_adapter(job):
    base = AutoModelForCausalLM.from_pretrained(job["base"], dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **job["lora"]))
    randomize([p for n, p in model.named_parameters() if "lora_" in n], job["seed"], 0.3)
    model.save_pretrained(job["directory"])
    return {}


def logits(job):
    model = AutoModelForCausalLM.from_pretrained(job["directory"], dtype=torch.float32)
    if job.get("adapter"):
        model = PeftModel.from_pretrained(model, job["adapter"])
    model.eval()
    model.generation_config.eos_token_id = None  # every continuation has its full length
    rows, continuations = [], []
    with torch.inference_mode():
        for prompt in job["prompts"]:
            ids = torch.tensor([prompt])
            rows.append(model(ids).logits[0, -1].tolist())
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=job["newTokens"],
                do_sample=False,
                pad_token_id=0,
            )
            continuations.append(out[0, len(prompt) :].tolist())
    return {"logits": rows, "greedy": continuations, "class": type(model).__name__}


def tokenize(job):
    tokenizer = AutoTokenizer.from_pretrained(job["directory"])
    return {
        "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in job["texts"]],
        "decoded": [tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in job["texts"]],
        "special": [tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, tokenizer.unk_token],
        "size": len(tokenizer),
    }


if __name__ == "__main__":
    actions = {"make": make, "make-adapter": make_adapter, "logits": logits, "tokenize": tokenize}
    answers = [actions[job["do"]](job) for job in json.load(sys.stdin)]
    print("\n" + json.dumps(answers))
