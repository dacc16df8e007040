"""The captioner of bench/decode in PyTorch, with a key-value cache: greedy and beam search.

Reads one JSON line with the sizes on stdin, then one line per request: "parameters" answers with their number, a width of the
beam (1: greedy) with captions a second. Keys and values of the image are computed once; those of the text are written in place
into preallocated caches, of which each step reads the part that is filled.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

size = json.loads(sys.stdin.readline())
torch.set_num_threads(size["threads"])
torch.manual_seed(0)
torch.set_grad_enabled(False)
WIDTH, HEADS = size["width"], size["heads"]
DIM = WIDTH // HEADS
LAYERS = size["unimodalLayers"] + size["multimodalLayers"]
BOS, FORBIDDEN = 1, [0, 1, 2, 3]


def heads(x, parts):
    """(B, T, parts * C) to parts of (B, heads, T, d)."""
    b, t, _ = x.shape
    return x.view(b, t, parts, HEADS, DIM).permute(2, 0, 3, 1, 4).unbind(0)


def attend(q, k, v):
    return ((q * DIM**-0.5) @ k.transpose(-1, -2)).softmax(-1) @ v


def merge(x):
    b, _, t, _ = x.shape
    return x.transpose(1, 2).reshape(b, t, WIDTH)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        x = self.up(x)
        return self.down(x * torch.sigmoid(1.702 * x))


class ImageBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out, self.mlp = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH), Mlp()

    def forward(self, x):
        x = x + self.out(merge(attend(*heads(self.qkv(self.norm1(x)), 3))))
        return x + self.mlp(self.norm2(x))


class TextLayer(nn.Module):
    def __init__(self, multimodal):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out, self.mlp = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH), Mlp()
        self.multimodal = multimodal
        if multimodal:
            self.norm_cross = nn.LayerNorm(WIDTH)
            self.q, self.kv, self.cross_out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x, cache, position, memory):
        """x (rows, 1, C); cache (2, rows, heads, T, d) is written at `position`; memory: k and v (images, heads, S, d)."""
        q, k, v = heads(self.qkv(self.norm1(x)), 3)
        cache[0, :, :, position], cache[1, :, :, position] = k[:, :, 0], v[:, :, 0]
        end = position + 1
        x = x + self.out(merge(attend(q, cache[0, :, :, :end], cache[1, :, :, :end])))
        if self.multimodal:
            rows, images = x.shape[0], memory[0].shape[0]
            (q,) = heads(self.q(self.norm_cross(x)).view(images, rows // images, WIDTH), 1)
            x = x + self.cross_out(merge(attend(q, *memory))).view(rows, 1, WIDTH)
        return x + self.mlp(self.norm2(x))


class Captioner(nn.Module):
    def __init__(self):
        super().__init__()
        groups = size["groups"]
        self.project = nn.ModuleList(nn.Linear(g["width"], WIDTH) for g in groups)
        self.group_norm = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in groups)
        self.places = nn.ParameterList(nn.Parameter(torch.randn(g["tokens"], WIDTH) * 0.02) for g in groups)
        self.image = nn.ModuleList(ImageBlock() for _ in range(size["imageLayers"]))
        self.image_norm = nn.LayerNorm(WIDTH)
        self.query = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
        self.pool_q, self.pool_kv, self.pool_out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.tokens = nn.Embedding(size["vocabulary"], WIDTH)
        self.positions = nn.Embedding(size["maxTokens"], WIDTH)
        self.text = nn.ModuleList(TextLayer(i >= size["unimodalLayers"]) for i in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, size["vocabulary"])

    def memory(self, features):
        """Keys and values of the image for every multimodal layer."""
        parts = zip(features, self.project, self.group_norm, self.places)
        x = torch.cat([norm(project(f.float())) + place for f, project, norm, place in parts], 1)
        for block in self.image:
            x = block(x)
        x = self.image_norm(x)
        query = self.query.expand(x.shape[0], 1, WIDTH)
        pooled = self.pool_out(merge(attend(*heads(self.pool_q(query), 1), *heads(self.pool_kv(x), 2))))
        x = torch.cat([pooled, x], 1)
        # Contiguous, as every step reads them.
        return [tuple(t.contiguous() for t in heads(layer.kv(x), 2)) if layer.multimodal else None for layer in self.text]

    def step(self, tokens, position, caches, memory):
        """Log-probabilities (rows, V) that follow `tokens` (rows)."""
        x = (self.tokens(tokens) + self.positions.weight[position]).unsqueeze(1)
        for layer, cache, image in zip(self.text, caches, memory):
            x = layer(x, cache, position, image)
        return F.log_softmax(self.head(self.norm(x[:, 0])), -1)


model = Captioner().eval()
features = [torch.randn(size["batch"], g["tokens"], g["width"]).half() for g in size["groups"]]
caches = {}  # kept between calls: fresh memory is dear


def decode(beams):
    images, steps = size["batch"], size["tokens"]
    rows = images * beams
    if beams not in caches:
        caches[beams] = [torch.zeros(2, rows, HEADS, size["maxTokens"], DIM) for _ in range(LAYERS)]
    past = caches[beams]
    memory = model.memory(features)
    tokens = torch.full((rows,), BOS)
    written = torch.zeros(images, beams, steps, dtype=torch.long)
    totals = torch.full((images, beams), -1e9)
    totals[:, 0] = 0  # at first there is one hypothesis
    first = torch.arange(images).unsqueeze(1) * beams
    for position in range(steps):
        logp = model.step(tokens, position, past, memory)
        logp[:, FORBIDDEN] = -1e9
        if beams == 1:
            tokens = logp.argmax(-1)
            written[:, 0, position] = tokens
            continue
        scores = (totals.unsqueeze(-1) + logp.view(images, beams, -1)).view(images, -1)
        totals, best = scores.topk(beams, -1)
        parents, words = torch.div(best, size["vocabulary"], rounding_mode="floor"), best % size["vocabulary"]
        written = written.gather(1, parents.unsqueeze(-1).expand(-1, -1, steps))
        written[:, :, position] = words
        tokens = words.view(-1)
        order = (first + parents).view(-1)
        if not torch.equal(order, torch.arange(rows)):
            for cache in past:
                cache[:, :, :, : position + 1] = cache[:, :, :, : position + 1].index_select(1, order)
    return written[:, 0].tolist()


for line in sys.stdin:
    request = line.strip()
    if request == "parameters":
        answer = sum(p.numel() for p in model.parameters())
    else:
        start = time.perf_counter()
        found = decode(int(request))
        answer = size["batch"] / (time.perf_counter() - start)
        assert all(len(caption) == size["tokens"] for caption in found)
    print(json.dumps(answer), flush=True)
