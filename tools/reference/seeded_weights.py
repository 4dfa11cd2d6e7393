"""Weights from nothing but their names: the same half floats here and in packages/testing/src/seeded-weights.ts.

    python tools/reference/seeded_weights.py     writes packages/testing/goldens/seeded-weights.json

Element i of a tensor is one of 4096 levels in (-1, 1), chosen by the top 12 bits of an integer hash of i and of the
tensor's name, then scaled and shifted and rounded once to f32 and once to f16. Every step is exact or correctly rounded,
so both languages agree in every bit, and a model of any size needs neither a file nor a generator's state.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np

OUT = Path(__file__).parents[2] / "packages" / "testing" / "goldens" / "seeded-weights.json"
LEVELS = 4096
CHUNK = 1 << 18  # stays in a core's cache


def name_hash(name: str) -> int:
    """FNV-1a, 32 bits."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def rule(name: str, shape: tuple[int, ...]) -> tuple[float, np.float32]:
    """What a checkpoint tensor's levels are shifted and scaled by: unit variance at a product's output, norms about one."""
    if len(shape) > 1:
        return 0.0, np.float32(math.sqrt(3 / math.prod(shape[1:])))
    return (1.0, np.float32(0.25)) if name.endswith("weight") else (0.0, np.float32(0.1))


def table(shift: float, scale: np.float32) -> np.ndarray:
    """The half float of every level."""
    levels = (2 * np.arange(LEVELS, dtype=np.float64) + 1 - LEVELS) / LEVELS
    return (shift + np.float64(scale) * levels).astype(np.float32).astype(np.float16)


def seeded(name: str, count: int, shift: float, scale: np.float32) -> np.ndarray:
    """`count` half floats."""
    values, seed = table(shift, scale), np.uint32(name_hash(name))
    out = np.empty(count, dtype=np.float16)
    for start in range(0, count, CHUNK):
        x = np.arange(start, min(start + CHUNK, count), dtype=np.uint32)
        x *= np.uint32(0x9E3779B1)
        x ^= seed
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x >>= np.uint32(20)
        np.take(values, x, out=out[start : start + len(x)])
    return out


def seeded_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return seeded(name, math.prod(shape), *rule(name, shape)).reshape(shape)


def seeded_input(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values of unit variance, for what is not a weight."""
    return seeded(name, math.prod(shape), 0.0, np.float32(math.sqrt(3))).reshape(shape)


def main() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "conv_in.weight": (320, 4, 3, 3),
        "conv_in.bias": (320,),
        "conv_norm_out.weight": (320,),
        "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight": (640, 640),
        "up_blocks.0.resnets.2.conv1.weight": (128, 1920, 3, 3),
        "odd.weight": (7, 11),
        "empty.weight": (0, 5),
        "größe.weight": (3, 2),
    }
    golden = {}
    for name, shape in shapes.items():
        bits = seeded_weight(name, shape).view(np.uint16).ravel()
        golden[name] = {"shape": shape, "sha256": hashlib.sha256(bits.astype("<u2").tobytes()).hexdigest(),
                        "first": bits[:4].tolist()}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in golden.items())
    OUT.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
