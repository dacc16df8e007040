"""The network of bench/generator-step and bench/sample in PyTorch: a diffusion transformer with cross-attention to a small text encoder.

Reads one JSON line with the sizes on stdin, then one line per request: "step" runs one training step and answers with its
milliseconds; "sample" draws one batch of pictures under guidance and answers with its milliseconds; "memory" answers with the peak RSS
in MB; "parameters" with their number.
"""
import json
import math
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

size = json.loads(sys.stdin.readline())
torch.set_num_threads(size["threads"])
torch.manual_seed(0)
B, L, STEPS, DRAWN = size["batch"], size["length"], size["steps"], size["drawn"]
S, C, P, W, N, H = (size[k] for k in ("size", "channels", "patch", "width", "layers", "heads"))
text = size["text"]
SIDE = S // P


def attention(q, k, v, mask=None):
    scores = (q @ k.transpose(-1, -2)) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + mask
    y = scores.softmax(-1) @ v
    b, h, t, d = y.shape
    return y.transpose(1, 2).reshape(b, t, h * d)


def heads(x, parts, count):
    b, t, c = x.shape
    return x.view(b, t, parts, count, c // parts // count).permute(2, 0, 3, 1, 4)


class TextLayer(nn.Module):
    def __init__(self, w, h, window):
        super().__init__()
        self.h, self.window = h, window
        self.norm0, self.norm1, self.norm2 = nn.LayerNorm(w), nn.LayerNorm(w), nn.LayerNorm(w)
        self.local_in, self.local_out = nn.Linear((2 * window + 1) * w, w), nn.Linear(w, w)
        self.qkv, self.out = nn.Linear(w, 3 * w), nn.Linear(w, w)
        self.up, self.down = nn.Linear(w, 4 * w), nn.Linear(4 * w, w)

    def forward(self, x, mask, there):
        t = x.shape[1]
        padded = F.pad(self.norm0(x) * there, (0, 0, self.window, self.window))
        seen = torch.cat([padded[:, i : i + t] for i in range(2 * self.window + 1)], 2)
        x = x + self.local_out(F.gelu(self.local_in(seen)))
        q, k, v = heads(self.qkv(self.norm1(x)), 3, self.h)
        x = x + self.out(attention(q, k, v, mask))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.modulation = nn.Linear(W, 6 * W)
        self.qkv, self.out = nn.Linear(W, 3 * W), nn.Linear(W, W)
        self.q, self.kv, self.cross = nn.Linear(W, W), nn.Linear(W, 2 * W), nn.Linear(W, W)
        self.up, self.down = nn.Linear(W, 4 * W), nn.Linear(4 * W, W)

    def forward(self, x, words, condition, mask, cosines, sines):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition).unsqueeze(1).chunk(6, 2)
        y = F.layer_norm(x, (W,)) * (1 + scale1) + shift1
        q, k, v = heads(self.qkv(y), 3, H)
        q, k = turned(q, cosines, sines), turned(k, cosines, sines)
        x = x + self.out(attention(q, k, v)) * gate1
        (q,) = heads(self.q(F.layer_norm(x, (W,))), 1, H)
        k, v = heads(self.kv(words), 2, H)
        x = x + self.cross(attention(q, k, v, mask))
        y = F.layer_norm(x, (W,)) * (1 + scale2) + shift2
        return x + self.down(F.relu(self.up(y)).square()) * gate2


def turned(x, cosines, sines):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosines - b * sines, b * cosines + a * sines], -1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(text["vocabulary"], text["width"])
        self.places = nn.Parameter(torch.randn(L, text["width"]) * 0.02)
        self.text = nn.ModuleList(TextLayer(text["width"], text["heads"], text["window"]) for _ in range(text["layers"]))
        self.norm, self.words = nn.LayerNorm(text["width"]), nn.Linear(text["width"], W)
        self.whole_norm, self.whole = nn.LayerNorm(W), nn.Linear(W, W)
        self.patches = nn.Linear(C * P * P, W)
        self.time_in, self.time_out = nn.Linear(256, W), nn.Linear(W, W)
        self.layers = nn.ModuleList(Layer() for _ in range(N))
        self.modulation, self.head = nn.Linear(W, 2 * W), nn.Linear(W, C * P * P)
        pairs = W // H // 4
        rows = torch.arange(SIDE).repeat_interleave(SIDE)
        columns = torch.arange(SIDE).repeat(SIDE)
        rates = 100 ** (-torch.arange(pairs) / pairs)
        angles = torch.cat([rows[:, None] * rates, columns[:, None] * rates], 1)
        self.register_buffer("cosines", angles.cos())
        self.register_buffer("sines", angles.sin())
        self.register_buffer("grid", torch.randn(1, SIDE * SIDE, W))
        self.register_buffer("rates", 1000 * torch.exp(-math.log(10000) * torch.arange(128) / 128))

    def read(self, tokens, valid):
        mask = (valid - 1)[:, None, None, :] * 1e9
        x = self.tokens(tokens) + self.places
        for layer in self.text:
            x = layer(x, mask, valid[:, :, None])
        return x

    def forward(self, x, t, read, valid):
        b = x.shape[0]
        mask = (valid - 1)[:, None, None, :] * 1e9
        clarity = (1 - t) / ((1 - t) ** 2 + t**2)
        x = x * clarity[:, None, None, None]
        y = x.view(b, SIDE, P, SIDE, P, C).permute(0, 1, 3, 2, 4, 5).reshape(b, SIDE * SIDE, P * P * C)
        y = self.patches(y) + self.grid
        words = self.words(self.norm(read))
        whole = (words * valid[:, :, None]).sum(1) / valid.sum(1, keepdim=True).clamp(min=1)
        angles = t[:, None] * self.rates
        when = self.time_out(F.silu(self.time_in(torch.cat([angles.cos(), angles.sin()], 1))))
        condition = F.silu(when + self.whole(self.whole_norm(whole)))
        for layer in self.layers:
            y = layer(y, words, condition, mask, self.cosines, self.sines)
        shift, scale = self.modulation(condition).unsqueeze(1).chunk(2, 2)
        y = self.head(F.layer_norm(y, (W,)) * (1 + scale) + shift)
        return y.view(b, SIDE, SIDE, P, P, C).permute(0, 1, 3, 2, 4, 5).reshape(b, S, S, C)


model = Network()
average = [p.detach().clone() for p in model.parameters()]
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
pixels = torch.randint(0, 256, (B, S, S, C), dtype=torch.uint8)
tokens, valid = torch.randint(0, text["vocabulary"], (B, L)), torch.ones(B, L)


def step():
    optimiser.zero_grad(set_to_none=True)
    x = pixels.float() * (2 / 255) - 1
    t = torch.sigmoid(1 + torch.randn(B))
    when = t[:, None, None, None]
    xt = (1 - when) * x + when * torch.randn_like(x)
    off = (model(xt, t, model.read(tokens, valid), valid) - x).square()
    loss = (off * (1 / when.square()).clamp(max=5)).mean()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    with torch.no_grad():
        for mean, p in zip(average, model.parameters()):
            mean.lerp_(p, 0.002)
    return loss.item()


@torch.inference_mode()
def sample():
    x = torch.randn(DRAWN, S, S, C)
    ids = torch.cat([tokens[:1].expand(DRAWN, L), torch.zeros(DRAWN, L, dtype=torch.long)])
    there = torch.cat([torch.ones(DRAWN, L), torch.zeros(DRAWN, L)])
    read = model.read(ids, there)
    for i in range(STEPS):
        t, following = 1 - i / STEPS, 1 - (i + 1) / STEPS
        both = model(torch.cat([x, x]), torch.full((2 * DRAWN,), t), read, there)
        asked, other = both.chunk(2)
        picture = other + 3 * (asked - other)
        x = x + (following - t) * (x - picture) / t
    return x


for line in sys.stdin:
    request = line.strip()
    start = time.perf_counter()
    if request == "step":
        step()
    elif request == "sample":
        sample()
    answer = (time.perf_counter() - start) * 1e3
    if request == "memory":
        answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    elif request == "parameters":
        answer = sum(p.numel() for p in model.parameters())
    print(json.dumps(answer), flush=True)
