"""Writes float16 normals of an old torch, whose float16 stream is not the rounded float32 one.

    python tools/reference/torch_half_normals.py        # with torch 2.9 or older; recorded with Debian 12's 1.13.1

torch computed float16 normals in float16 throughout (11-bit uniforms) until its CPU kernel moved to float32 inside.
Writes packages/schedulers/test/goldens/random-half.json.
"""

import json
import pathlib

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages" / "schedulers" / "test" / "goldens"


def fnv1a(data):
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def draw(n, generator):
    flat = torch.randn(n, generator=generator, dtype=torch.float16).numpy()
    ends = flat if flat.size <= 8 else np.concatenate([flat[:4], flat[-4:]])
    return {"n": n, "hash": fnv1a(flat.tobytes()), "ends": [float(v) for v in ends]}


cases = []
for seed, lengths in [(0, [16, 17, 31, 5, 3]), (42, [4 * 64 * 64, 20]), (4294967295, [4 * 31 * 33]), (7, [4 * 96 * 96])]:
    generator = torch.Generator("cpu").manual_seed(seed)
    cases.append({"seed": str(seed), "dtype": "float16-legacy", "draws": [draw(n, generator) for n in lengths]})
OUT.mkdir(parents=True, exist_ok=True)
(OUT / "random-half.json").write_text(json.dumps({"versions": {"torch": torch.__version__}, "torch": cases}, separators=(",", ":")) + "\n")
