"""LoRA on a language model with transformers and PEFT, as their documentation shows it: float32, AdamW, adapters on all
linear layers; and random checkpoints for both sides of a comparison."""

import resource
import time

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from stdio import serve
from transformers import AutoConfig, AutoModelForCausalLM

state = {}


def make(directory, config):
    """Random weights, saved in bfloat16."""
    torch.manual_seed(0)
    config = dict(config)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(config.pop("model_type"), **config))
    model.to(torch.bfloat16).save_pretrained(directory)
    return directory


def load(directory, rank, threads, checkpointing):
    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    model.config.use_cache = False
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))
    if checkpointing:
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable()
    model.train()
    trainable = [p for p in model.parameters() if p.requires_grad]
    state.update(model=model, trainable=trainable, optimizer=torch.optim.AdamW(trainable, lr=1e-4))
    return torch.__version__


def steps(batches):
    """One update a batch of (input, target) rows; all positions are read."""
    start, cpu = time.perf_counter(), time.process_time()
    losses = []
    for batch in batches:
        inputs, targets = (torch.tensor([row[side] for row in batch]) for side in (0, 1))
        logits = state["model"](input_ids=inputs).logits
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state["trainable"], 1.0)
        state["optimizer"].step()
        state["optimizer"].zero_grad(set_to_none=True)
        losses.append(loss.item())
    return {
        "seconds": time.perf_counter() - start,
        "cpuSeconds": time.process_time() - cpu,
        "losses": losses,
        "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


serve(make=make, load=load, steps=steps)
