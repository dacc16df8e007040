"""The network of bench/train-step in PyTorch: pre-norm language model, AdamW, clipping by global norm.

Reads one JSON line with the sizes on stdin, then one line per request: "step" runs one training step and answers with its
milliseconds; "matmul" times a bare square product and answers with GFLOPS; "memory" answers with the peak RSS in MB.
"""
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

size = json.loads(sys.stdin.readline())
torch.set_num_threads(size["threads"])
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2)) / (c // self.heads) ** 0.5 + mask
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c)
        x = x + self.out(y)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class LanguageModel(nn.Module):
    def __init__(self, vocabulary, width, layers, heads, length, **_):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(length, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)
        self.register_buffer("mask", torch.full((length, length), -1e9).triu(1))

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


model = LanguageModel(**size)
optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.98), weight_decay=0.05)
tokens = torch.randint(0, size["vocabulary"], (size["batch"], size["length"]))
targets = torch.randint(0, size["vocabulary"], (size["batch"] * size["length"],))


def step():
    optimiser.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(tokens).view(-1, size["vocabulary"]), targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss.item()


square = torch.randn(2048, 2048)
for line in sys.stdin:
    request = line.strip()
    start = time.perf_counter()
    if request == "step":
        step()
        answer = (time.perf_counter() - start) * 1e3
    elif request == "matmul":
        square @ square
        answer = 2 * 2048**3 / (time.perf_counter() - start) / 1e9
    else:
        answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer), flush=True)
