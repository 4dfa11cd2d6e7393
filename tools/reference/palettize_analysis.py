"""The published mixed-bit analysis, written in numpy, on a network of four layers, for packages/palettize.

    python tools/reference/palettize_analysis.py     writes packages/palettize/test/goldens/analysis.json

Steps as in apple/ml-stable-diffusion, mixed_bit_compression_pre_analysis.py, but for two things that the package documents:
PSNR is not rounded to a tenth, and average bits count palettes (and the padding of outputs to 32). Needs only numpy.
"""

import json
from pathlib import Path

import numpy as np

from seeded_weights import seeded_input, seeded_weight

OUT = Path(__file__).parents[2] / "packages" / "palettize" / "test" / "goldens" / "analysis.json"
WIDTHS = [1, 2, 4, 6, 8]
RECIPES = 7
MOST_ORIGINAL = 82.0
PROMPTS = 3
LAYERS = {
    "stem": (96, 48),
    "mid.conv": (96, 24, 1, 4),
    "mid.linear": (96, 96),
    "out": (32, 96),
}
# Layers beside a residual: what they add is scaled, so that layers differ in how much they matter.
BRANCHES = {"mid.conv": 1 / 16, "mid.linear": 1 / 512}


def half(x):
    """Rounded to f32, then to f16, as the package rounds."""
    return np.asarray(x, dtype=np.float64).astype(np.float32).astype(np.float16)


def run(model, x, rounding):
    """Products, relu after the first; activations rounded to f16 where the f16 run is meant."""
    for name, weight in model.items():
        product = weight.astype(np.float64).reshape(len(weight), -1) @ x
        if name in BRANCHES:
            x = x + product * BRANCHES[name]
        else:
            x = np.maximum(product, 0) if name == "stem" else product
        x = half(x).astype(np.float64) if rounding else x
    return x


def psnr(reference, test):
    rmse = np.sqrt(np.mean((test - reference) ** 2))
    return float(20 * np.log10((np.abs(test).max() + 1e-5) / (rmse + 1e-10)))


def palettize(weight, bits):
    """Exact k-means over distinct values, trying every start of every last run; means rounded to f16."""
    values, counts = np.unique(weight.astype(np.float64), return_counts=True)
    n, k = len(values), min(2**bits, len(values))
    w, wx, wxx = (np.concatenate([[0], np.cumsum(counts * values**p)]) for p in range(3))

    def cost(starts, end):
        total, first, second = w[end] - w[starts], wx[end] - wx[starts], wxx[end] - wxx[starts]
        return np.maximum(second - first**2 / total, 0)

    best = np.concatenate([[0], [cost(np.array([0]), end)[0] for end in range(1, n + 1)]])
    begins = []
    for runs in range(2, k + 1):
        after, begin = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=int)
        for end in range(runs, n + 1):
            starts = np.arange(runs - 1, end)
            totals = best[starts] + cost(starts, end)
            begin[end] = starts[np.argmin(totals)]
            after[end] = totals.min()
        best = after
        begins.append(begin)
    ends = [n]
    for begin in reversed(begins):
        ends.append(begin[ends[-1]])
    ends = ends[::-1]
    starts = [0] + ends[:-1]
    palette = np.unique(half([np.average(values[a:b], weights=counts[a:b]) for a, b in zip(starts, ends)]))
    exact = palette.astype(np.float64)
    nearest = np.abs(weight.astype(np.float64)[..., None] - exact).argmin(axis=-1)
    return palette[nearest]


def linear8(weight):
    """Asymmetric int8 along the last axis, rounded back to f16."""
    x = weight.astype(np.float64)
    axes = tuple(range(x.ndim - 1))
    low, high = np.minimum(0, x.min(axis=axes, keepdims=True)), np.maximum(0, x.max(axis=axes, keepdims=True))
    zero = np.clip(np.round((-128 * high - 127 * low) / (high - low)), -128, 127)
    scale = ((high - low) / 255).astype(np.float32).astype(np.float64)
    codes = np.clip(np.round(x * 255 / (high - low)) + zero, -128, 127)
    return half((codes - zero) * scale)


def stored_bits(shape, bits):
    weight_count = int(np.prod(shape))
    if bits == 16:
        return 16 * weight_count
    return -(-shape[0] // 32) * 32 * (weight_count // shape[0]) * bits + 16 * 2**bits


def analyse():
    original = {name: seeded_weight(f"{name}.weight", shape) for name, shape in LAYERS.items()}
    prompts = [seeded_input(f"prompt.{i}", LAYERS["stem"][1:]).astype(np.float64) for i in range(PROMPTS)]
    forms = {name: {16: w, "linear8": linear8(w), **{b: palettize(w, b) for b in WIDTHS}} for name, w in original.items()}
    reference = [run(original, x, True) for x in prompts]

    def measure(state):
        model = {name: forms[name][state.get(name, 16)] for name in LAYERS}
        return [psnr(r, run(model, x, True)) for r, x in zip(reference, prompts)]

    single, cumulative = {}, {}
    for bits in WIDTHS:
        alone = {name: measure({name: bits}) for name in LAYERS}
        order = sorted(LAYERS, key=lambda name: -sum(alone[name]))
        state, after = {}, {}
        for name in order:
            state[name] = bits
            after[name] = measure(state)
        single[str(bits)] = alone
        cumulative[str(bits)] = {"metadata": {"candidates": order}, **after}

    exact = [min(psnr(run(original, x, False), r), MOST_ORIGINAL) for r, x in zip(reference, prompts)]
    baselines = {
        "original": float(np.mean(exact)),
        "linear_8bit": float(np.mean(measure({name: "linear8" for name in LAYERS}))),
    }
    recipes = {}
    for threshold in np.linspace(baselines["original"] - 1, baselines["linear_8bit"] + 5, RECIPES):
        recipe = {
            name: next((b for b in WIDTHS if np.mean(cumulative[str(b)][name]) > threshold), 16) for name in LAYERS
        }
        if recipe in recipes.values():
            continue
        total = sum(stored_bits(LAYERS[name], bits) for name, bits in recipe.items())
        key = f"recipe_{total / sum(int(np.prod(s)) for s in LAYERS.values()):.2f}_bit_mixedpalette"
        assert key not in recipes
        baselines[key] = float(np.mean(measure(recipe)))
        recipes[key] = recipe
    return {"baselines": baselines, "recipes": recipes, "single_layer": single, "cumulative": cumulative}


if __name__ == "__main__":
    result = analyse()
    OUT.write_text(json.dumps({"layers": LAYERS, **result}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["baselines"], indent=1))
    print(json.dumps(result["recipes"], indent=1))
