"""The same training step in PyTorch, written the way one would for speed on a CPU.

SDPA attention (fused kernel), fused RMSNorm, precomputed rotary tables, logits only at positions that the loss reads,
fused AdamW, foreach gradient clipping, no copies that are not needed. Batches are padded to their longest sequence,
which is what PyTorch trainers do; sequences are cut after the last position that the loss reads.
"""

import time

import torch
import torch.nn.functional as F
from stdio import serve
from torch import nn


class Linear(nn.Module):
    def __init__(self, inputs, outputs, bias, rank):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * 0.02, requires_grad=rank == 0)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=rank == 0) if bias else None
        self.rank = rank
        if rank > 0:
            self.a = nn.Parameter((torch.rand(rank, inputs) * 2 - 1) / inputs**0.5)
            self.b = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x):
        y = F.linear(x, self.weight, self.bias)
        return y if self.rank == 0 else y + F.linear(F.linear(x, self.a), self.b) * 2.0


def rotate(x, cosine, sine):
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


class Layer(nn.Module):
    def __init__(self, width, hidden, heads, rank):
        super().__init__()
        trains = rank == 0
        self.heads = heads
        self.norm1 = nn.Parameter(torch.ones(width), requires_grad=trains)
        self.norm2 = nn.Parameter(torch.ones(width), requires_grad=trains)
        self.query, self.key, self.value = (Linear(width, width, True, rank) for _ in range(3))
        self.output = Linear(width, width, False, rank)
        self.gate, self.up = (Linear(width, hidden, False, rank) for _ in range(2))
        self.down = Linear(hidden, width, False, rank)

    def forward(self, x, cosine, sine):
        batch, length, width = x.shape
        h = F.rms_norm(x, (width,), self.norm1, 1e-6)
        q, k, v = (p(h).view(batch, length, self.heads, -1).transpose(1, 2) for p in (self.query, self.key, self.value))
        q, k = rotate(q, cosine, sine), rotate(k, cosine, sine)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).reshape(batch, length, width))
        h = F.rms_norm(x, (width,), self.norm2, 1e-6)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, vocabulary, width, hidden, layers, heads, rank, max_length):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(vocabulary, width) * 0.02, requires_grad=rank == 0)
        self.layers = nn.ModuleList(Layer(width, hidden, heads, rank) for _ in range(layers))
        self.norm = nn.Parameter(torch.ones(width), requires_grad=rank == 0)
        half = width // heads // 2
        angles = torch.arange(max_length)[:, None] / 10000 ** (torch.arange(half) / half)
        self.register_buffer("cosine", angles.cos())
        self.register_buffer("sine", angles.sin())

    def forward(self, tokens, read):
        x = F.embedding(tokens, self.embedding)
        cosine, sine = self.cosine[: tokens.shape[1]], self.sine[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x, cosine, sine)
        x = x.flatten(0, 1)[read]
        return F.linear(F.rms_norm(x, (x.shape[-1],), self.norm, 1e-6), self.embedding)


class State:
    model = optimizer = tokens = read = targets = weights = None
    real = 0


def prepare(model, data, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    State.model = Model(**model)
    trainable = [p for p in State.model.parameters() if p.requires_grad]
    State.optimizer = torch.optim.AdamW(trainable, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
    last = [max(i for i, w in enumerate(d["weights"]) if w != 0) + 1 for d in data]
    length = max(last)
    tokens = torch.zeros(len(data), length, dtype=torch.long)
    read, targets, weights = [], [], []
    for row, (d, end) in enumerate(zip(data, last)):
        tokens[row, :end] = torch.tensor(d["input"][:end])
        for position in range(end):
            if d["weights"][position] != 0:
                read.append(row * length + position)
                targets.append(d["target"][position])
                weights.append(d["weights"][position])
    State.tokens, State.read = tokens, torch.tensor(read)
    State.targets, State.weights = torch.tensor(targets), torch.tensor(weights)
    State.real = sum(len(d["input"]) for d in data)
    return {"torch": torch.__version__, "paddedTokens": tokens.numel()}


def one_step():
    logits = State.model(State.tokens, State.read)
    loss = (F.cross_entropy(logits, State.targets, reduction="none") * State.weights).sum()
    loss.backward()
    nn.utils.clip_grad_norm_([p for p in State.model.parameters() if p.requires_grad], 1.0, foreach=True)
    State.optimizer.step()
    State.optimizer.zero_grad(set_to_none=True)
    return loss.item()


def steps(count):
    """Tokens a second over `count` steps, and the last loss."""
    start = time.perf_counter()
    for _ in range(count):
        loss = one_step()
    return {"tokensPerSecond": count * State.real / (time.perf_counter() - start), "loss": loss}


serve(prepare=prepare, steps=steps)
