"""The network of bench/graph-step in PyTorch: graph convolution and the Up-Down decoder that kinds of words steer, AdamW, clipping.

Reads one JSON line with the sizes on stdin, then one line per request: "step" runs one training step and answers with its
milliseconds; "memory" answers with the peak RSS in MB. What does not depend on the word before is computed once for all words,
as it is there.
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
B, K, N, E, T = size["batch"], size["captions"], size["regions"], size["edges"], size["length"]
C, W, A, V = size["width"], size["wordWidth"], size["attentionWidth"], size["vocabulary"]
CELLS, DROP = size["side"] ** 2, size["dropout"]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.key, self.query, self.score = nn.Linear(C, A, bias=False), nn.Linear(C, A), nn.Linear(A, 1, bias=False)

    def forward(self, keys, nodes, query):
        agree = torch.tanh(keys.unsqueeze(1) + self.query(query).view(B, K, 1, A))
        return (self.score(agree).squeeze(-1).softmax(-1) @ nodes).view(B * K, C)


class Captioner(nn.Module):
    def __init__(self):
        super().__init__()
        self.look, self.look_norm = nn.Linear(size["channels"] + 5, C), nn.LayerNorm(C)
        self.labels, self.object = nn.Embedding(size["labels"] + 1, W), nn.Linear(C + W, C)
        self.predicate_words, self.predicate = nn.Embedding(size["predicates"] + 1, W), nn.Linear(W, C)
        self.none, self.convolve = nn.Parameter(torch.randn(1, 1, C)), nn.Linear(3 * C, C)
        self.out, self.back = nn.Linear(C, C, bias=False), nn.Linear(C, C, bias=False)
        self.cell, self.cell_norm = nn.Linear(size["channels"], C), nn.LayerNorm(C)
        self.places = nn.Parameter(torch.randn(CELLS, C) * 0.3)
        self.words, self.start = nn.Embedding(V, W), nn.Linear(W + C, 4 * C)
        self.of_word, self.of_mean = nn.Linear(W, 4 * C), nn.Linear(C, 4 * C, bias=False)
        self.of_state, self.second = nn.Linear(2 * C, 4 * C, bias=False), nn.Linear(4 * C, 4 * C)
        self.attend_objects, self.attend_predicates = Attention(), Attention()
        self.kinds, self.speak = nn.Linear(C, 3), nn.Linear(C, V)

    def nodes(self, f):
        pooled = f["cells"] @ f["map"]
        looks = F.dropout(self.look_norm(self.look(torch.cat([pooled, f["boxes"]], 2))), DROP)
        objects = F.relu(self.object(torch.cat([looks, self.labels(f["labels"])], 2))) + looks
        words = self.predicate_words(f["predicates"])
        related = F.relu(self.predicate(words))
        degree = (f["subjects"].sum(1) + f["objects"].sum(1)).clamp(min=1).unsqueeze(-1)
        ends = torch.cat([f["subjects"] @ objects, related, f["objects"] @ objects], 2)
        after = F.relu(self.convolve(ends)) + related
        taken = f["subjects"].transpose(1, 2) @ self.out(related) + f["objects"].transpose(1, 2) @ self.back(related)
        objects = F.relu(taken / degree) + objects
        cells = F.dropout(self.cell_norm(self.cell(f["map"])) + self.places, DROP)
        return torch.cat([objects, cells], 1), torch.cat([self.none.expand(B, 1, C), after], 1), words.mean(1)

    @staticmethod
    def step(gates, c):
        i, forget, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(forget + 1) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def forward(self, f):
        objects, predicates, gist = self.nodes(f)
        mean = objects.mean(1)
        keys = self.attend_objects.key(objects), self.attend_predicates.key(predicates)
        start = torch.tanh(self.start(torch.cat([gist, mean], 1))).repeat_interleave(K, 0)
        h1, c1, h2, c2 = start.chunk(4, 1)
        said = F.dropout(self.words(f["tokens"]), DROP)
        known = self.of_word(said) + self.of_mean(mean).repeat_interleave(K, 0).unsqueeze(1)
        outs, kinds = [], []
        for t in range(T):
            h1, c1 = self.step(known[:, t] + self.of_state(torch.cat([h2, h1], 1)), c1)
            kind = self.kinds(h1)
            share = kind.softmax(-1)
            seen = self.attend_objects(keys[0], objects, h1) * share[:, :1]
            related = self.attend_predicates(keys[1], predicates, h1) * share[:, 1:2]
            h2, c2 = self.step(self.second(torch.cat([h1, seen, related, h2], 1)), c2)
            outs.append(h2)
            kinds.append(kind)
        return self.speak(F.dropout(torch.stack(outs, 1), DROP)), torch.stack(kinds, 1)


def one_hot(rows):
    return F.one_hot(torch.randint(0, N, (B, rows)), N).float()


model = Captioner()
optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.98), weight_decay=0.05)
feeds = {
    "map": torch.rand(B, CELLS, size["channels"]),
    "cells": torch.rand(B, N, CELLS),
    "boxes": torch.rand(B, N, 5),
    "labels": torch.randint(0, size["labels"] + 1, (B, N)),
    "predicates": torch.randint(0, size["predicates"] + 1, (B, E)),
    "subjects": one_hot(E),
    "objects": one_hot(E),
    "tokens": torch.randint(0, V, (B * K, T)),
}
targets, kinds = torch.randint(0, V, (B * K * T,)), torch.randint(0, 3, (B * K * T,))


def step():
    optimiser.zero_grad(set_to_none=True)
    logits, of_kinds = model(feeds)
    loss = F.cross_entropy(logits.view(-1, V), targets, label_smoothing=0.2)
    loss = loss + 0.15 * F.cross_entropy(of_kinds.view(-1, 3), kinds)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss.item()


for line in sys.stdin:
    request = line.strip()
    start = time.perf_counter()
    if request == "step":
        step()
        answer = (time.perf_counter() - start) * 1e3
    else:
        answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer), flush=True)
