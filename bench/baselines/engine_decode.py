"""Sampling in PyTorch: a KV-cache loop written by hand, and transformers' generate, on the weights of a model directory.

The loop is what one would write for speed in eager PyTorch: fused projections, rotary tables made once, a cache
allocated once and grown by views, scaled_dot_product_attention, inference mode; prompts are read once a group and their
cache repeated for its samples. Each step does the sampling work of the engine: softmax at a temperature, one draw, and
the log-probability of the token drawn.
"""

import time

import torch
import torch.nn.functional as F
from stdio import serve
from transformers import AutoModelForCausalLM

state = {}
clocks = {"wall": time.perf_counter, "cpu": time.process_time}


class Layer:
    def __init__(self, layer, config):
        attention, mlp = layer.self_attn, layer.mlp
        projections = [attention.q_proj, attention.k_proj, attention.v_proj]
        self.qkv = torch.cat([p.weight for p in projections]).contiguous()
        self.qkv_bias = None if projections[0].bias is None else torch.cat([p.bias for p in projections])
        self.output, self.output_bias = attention.o_proj.weight, attention.o_proj.bias
        self.gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]).contiguous()
        self.down = mlp.down_proj.weight
        self.norm_in, self.norm_post = layer.input_layernorm.weight, layer.post_attention_layernorm.weight


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class CachedModel:
    def __init__(self, model):
        config = self.config = model.config
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.size = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.layers = [Layer(layer, config) for layer in model.model.layers]
        self.embedding, self.norm = model.model.embed_tokens.weight, model.model.norm.weight
        self.head, self.epsilon = model.lm_head.weight, config.rms_norm_eps
        theta = config.rope_parameters["rope_theta"]
        inverse = 1.0 / theta ** (torch.arange(0, self.size, 2).float() / self.size)
        angles = torch.outer(torch.arange(config.max_position_embeddings).float(), inverse)
        self.cos, self.sin = angles.cos(), angles.sin()

    def new_cache(self, rows, length):
        shape = (rows, self.kv_heads, length, self.size)
        return [(torch.empty(shape), torch.empty(shape)) for _ in self.layers]

    def forward(self, ids, cache, start):
        rows, count = ids.shape
        width = self.embedding.shape[1]
        q_width, kv_width = self.heads * self.size, self.kv_heads * self.size
        cos, sin = self.cos[start : start + count], self.sin[start : start + count]
        x = F.embedding(ids, self.embedding)
        for layer, (keys, values) in zip(self.layers, cache):
            h = F.rms_norm(x, (width,), layer.norm_in, self.epsilon)
            q, k, v = F.linear(h, layer.qkv, layer.qkv_bias).split((q_width, kv_width, kv_width), dim=-1)
            q = rotate(q.view(rows, count, self.heads, self.size).transpose(1, 2), cos, sin)
            k = rotate(k.view(rows, count, self.kv_heads, self.size).transpose(1, 2), cos, sin)
            keys[:, :, start : start + count] = k
            values[:, :, start : start + count] = v.view(rows, count, self.kv_heads, self.size).transpose(1, 2)
            mixed = F.scaled_dot_product_attention(
                q,
                keys[:, :, : start + count],
                values[:, :, : start + count],
                is_causal=count > 1,
                enable_gqa=self.heads != self.kv_heads,
            )
            mixed = mixed.transpose(1, 2).reshape(rows, count, q_width)
            x = x + F.linear(mixed, layer.output, layer.output_bias)
            h = F.rms_norm(x, (width,), layer.norm_post, self.epsilon)
            gate, up = F.linear(h, layer.gate_up).chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        return F.linear(F.rms_norm(x[:, -1], (width,), self.norm, self.epsilon), self.head)


def draw(logits, temperature):
    probabilities = torch.softmax(logits / temperature, dim=-1)
    tokens = torch.multinomial(probabilities, 1)
    return tokens, probabilities.gather(1, tokens).log()


def load(directory, threads):
    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    state["model"] = model
    with torch.inference_mode():
        state["cached"] = CachedModel(model)
        ids = torch.arange(1, 9).view(1, 8)
        cached = state["cached"]
        ours, theirs = cached.forward(ids, cached.new_cache(1, 8), 0), model(ids).logits[:, -1]
        assert torch.allclose(ours, theirs, atol=1e-4), (ours - theirs).abs().max()
    return torch.__version__


@torch.inference_mode()
def loop(prompts, samples, newTokens, temperature, clock):
    clock = clocks[clock]
    start = clock()
    model = state["cached"]
    ids = torch.tensor(prompts)
    length = ids.shape[1]
    read = model.new_cache(ids.shape[0], length)
    logits = model.forward(ids, read, 0).repeat_interleave(samples, 0)
    cache = model.new_cache(ids.shape[0] * samples, length + newTokens)
    for (keys, values), (old_keys, old_values) in zip(cache, read):
        keys[:, :, :length] = old_keys.repeat_interleave(samples, 0)
        values[:, :, :length] = old_values.repeat_interleave(samples, 0)
    all_tokens, all_logprobs = [], []
    for i in range(newTokens):
        tokens, logprobs = draw(logits, temperature)
        all_tokens.append(tokens)
        all_logprobs.append(logprobs)
        if i + 1 < newTokens:
            logits = model.forward(tokens, cache, length + i)
    tokens = torch.cat(all_tokens, 1).tolist()
    torch.cat(all_logprobs, 1).tolist()
    return {"seconds": clock() - start, "tokens": sum(map(len, tokens))}


@torch.inference_mode()
def generate(prompts, samples, newTokens, temperature, clock):
    clock = clocks[clock]
    ids = torch.tensor(prompts)
    start = clock()
    out = state["model"].generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=True,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=newTokens,
        num_return_sequences=samples,
        pad_token_id=0,
    )
    new = out[:, ids.shape[1] :].tolist()
    return {"seconds": clock() - start, "tokens": sum(map(len, new))}


serve(load=load, loop=loop, generate=generate)
