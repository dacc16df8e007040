"""The T5 encoder once more, in PyTorch, on weights that follow a formula: writes what src/models/text-encoder/t5.test.ts expects.

    python3 bench/peers/t5_golden.py > src/models/text-encoder/t5-golden.json
"""

import json
import math
import zlib

import torch

CONFIGS = {
    "t5": dict(gated=False, act="relu"),
    "t5-v1.1": dict(gated=True, act="gelu"),
}
VOCAB, WIDTH, KV, FF, LAYERS, HEADS, BUCKETS, FAR, EPS = 40, 24, 5, 36, 3, 4, 32, 128, 1e-6


def weight(name, *shape):
    """Numbers that anybody can make again: sines from a start that the name gives."""
    start = zlib.crc32(name.encode()) % 1000
    n = math.prod(shape)
    values = torch.sin(torch.arange(n, dtype=torch.float64) * 1.7 + start)
    fan = shape[-1] if len(shape) > 1 else 1
    values = values / math.sqrt(fan) if len(shape) > 1 else 1 + 0.1 * values
    return values.reshape(shape).to(torch.float32)


def bucket(distance):
    """As in the paper's code: relative position = key - query."""
    half = BUCKETS // 2
    base = torch.where(distance > 0, half, 0)
    n = distance.abs()
    exact = half // 2
    large = exact + (torch.log(n.float() / exact) / math.log(FAR / exact) * (half - exact)).long()
    large = torch.minimum(large, torch.full_like(large, half - 1))
    return base + torch.where(n < exact, n, large)


def rms(x, w):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * w


def encode(tokens, valid, gated, act):
    b, t = tokens.shape
    x = weight("shared.weight", VOCAB, WIDTH)[tokens] * 4
    table = weight("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", BUCKETS, HEADS)
    place = torch.arange(t)
    bias = table[bucket(place[None, :] - place[:, None])].permute(2, 0, 1)[None]
    mask = (1 - valid)[:, None, None, :] * torch.finfo(torch.float32).min
    activation = torch.relu if act == "relu" else lambda y: torch.nn.functional.gelu(y, approximate="tanh")
    for i in range(LAYERS):
        base = f"encoder.block.{i}.layer"
        y = rms(x, weight(f"{base}.0.layer_norm.weight", WIDTH))
        q, k, v = [
            (y @ weight(f"{base}.0.SelfAttention.{n}.weight", HEADS * KV, WIDTH).T).view(b, t, HEADS, KV).transpose(1, 2)
            for n in "qkv"
        ]
        read = torch.softmax(q @ k.transpose(2, 3) + bias + mask, -1) @ v
        read = read.transpose(1, 2).reshape(b, t, HEADS * KV)
        x = x + read @ weight(f"{base}.0.SelfAttention.o.weight", WIDTH, HEADS * KV).T
        y = rms(x, weight(f"{base}.1.layer_norm.weight", WIDTH))
        dense = f"{base}.1.DenseReluDense"
        if gated:
            y = activation(y @ weight(f"{dense}.wi_0.weight", FF, WIDTH).T) * (y @ weight(f"{dense}.wi_1.weight", FF, WIDTH).T)
        else:
            y = activation(y @ weight(f"{dense}.wi.weight", FF, WIDTH).T)
        x = x + y @ weight(f"{dense}.wo.weight", WIDTH, FF).T
    return rms(x, weight("encoder.final_layer_norm.weight", WIDTH))


def main():
    t = 150  # beyond the last bucket
    tokens = torch.arange(2 * t).reshape(2, t) * 7 % VOCAB
    valid = torch.ones(2, t)
    valid[1, 90:] = 0
    golden = {"torch": torch.__version__, "buckets": bucket(torch.arange(-200, 201)).tolist()}
    for name, config in CONFIGS.items():
        out = encode(tokens, valid, **config)
        golden[name] = {
            "first": [round(v, 6) for v in out[0, 0].tolist()],
            "last": [round(v, 6) for v in out[0, -1].tolist()],
            "masked": [round(v, 6) for v in out[1, 89].tolist()],
            "mean": round(out[0].abs().mean().item(), 6),
        }
    print(json.dumps(golden))


main()
