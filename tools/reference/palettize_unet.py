"""The published mixed-bit analysis, written in torch, of layers of the tiny random SDXL UNet.

    python tools/reference/palettize_unet.py     writes packages/sdxl/test/goldens/published-analysis.json

Steps as in apple/ml-stable-diffusion, mixed_bit_compression_pre_analysis.py, with diffusers' UNet and scheduler: the latents
after one denoising step of a guided pair, in float32. It differs where packages/palettize says it does: PSNR is not rounded to
a tenth, `original` is the cap (f32 against itself repeats to the bit), and average bits count palettes and the padding of
outputs to 32. Run tiny_sdxl.py before: weights and texts are read from packages/testing/goldens/tiny-sdxl/.
"""

import json
from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from safetensors.torch import load_file

ROOT = Path(__file__).parents[2]
TINY = ROOT / "packages" / "testing" / "goldens" / "tiny-sdxl"
OUT = ROOT / "packages" / "sdxl" / "test" / "goldens" / "published-analysis.json"
WIDTHS = [1, 2, 4, 6, 8]
RECIPES = 7
ORIGINAL = 82.0
GUIDANCE = 4.0
SEED = 40  # prompt i begins with the noise of SEED + i
HEIGHT, WIDTH = 9, 6  # of latents
# Before the loop and in it; products, 1x1 and 3x3 convolutions, one with a stride; widths that are no multiples of 4. Each has
# one best palette at every width: where two are equally good, as for up_blocks.1.resnets.0.conv_shortcut at 8 bits (the same
# error to the last digit, 0.1 dB apart in PSNR) and for that of up_blocks.0.resnets.2, either would be right and nothing could be
# compared.
LAYERS = [
    "conv_in",
    "time_embedding.linear_2",
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.1.downsamplers.0.conv",
    "down_blocks.2.attentions.0.transformer_blocks.0.ff.net.2",
    "mid_block.attentions.0.proj_in",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_q",
    "mid_block.attentions.0.transformer_blocks.1.attn2.to_k",
    "up_blocks.2.resnets.1.conv2",
    "conv_out",
]
# A threshold may be no nearer than this to what it is held against, or rounding would decide a recipe.
MARGIN_DB = 0.05


def half(x: torch.Tensor) -> torch.Tensor:
    return x.float().half()


def psnr(reference: torch.Tensor, test: torch.Tensor) -> float:
    reference, test = reference.double(), test.double()
    rmse = (test - reference).square().mean().sqrt()
    return float(20 * torch.log10((test.abs().max() + 1e-5) / (rmse + 1e-10)))


def palettes(weight: torch.Tensor) -> dict[int, torch.Tensor]:
    """The weight at every width: exact k-means over its distinct values, each last run's start tried; means in f16."""
    values, counts = torch.unique(weight.double(), return_counts=True)
    n = len(values)
    sums = [torch.cat([torch.zeros(1).double(), torch.cumsum(counts * values**p, 0)]) for p in range(3)]
    begin, end = torch.arange(n)[:, None], torch.arange(1, n + 1)[None, :]
    count, first, second = (s[end] - s[begin] for s in sums)
    cost = torch.where(begin < end, (second - first**2 / count.clamp(min=1)).clamp(min=0), torch.inf)  # [begin, end - 1]
    best, begins, found = cost[0], [], {}
    for runs in range(1, 2 ** max(WIDTHS) + 1):
        if runs > 1 and runs <= n:
            # The last of the runs begins at `begin`: before it lie runs - 1 of them, which end there.
            totals = torch.cat([torch.full((1,), torch.inf).double(), best[:-1]])[:, None] + cost
            best, chosen = totals.min(0)
            begins.append(chosen)
        if runs not in [2**b for b in WIDTHS]:
            continue
        ends = [n]
        for chosen in reversed(begins):
            ends.append(int(chosen[ends[-1] - 1]))
        edges = [0, *reversed(ends)]
        means = [float((counts[a:b] * values[a:b]).sum() / counts[a:b].sum()) for a, b in zip(edges, edges[1:])]
        palette = torch.unique(half(torch.tensor(means, dtype=torch.float64)))
        nearest = (weight.double()[..., None] - palette.double()).abs().argmin(-1)
        found[runs.bit_length() - 1] = palette[nearest]
    return found


def linear8(weight: torch.Tensor) -> torch.Tensor:
    """Asymmetric int8 along the last axis, rounded back to f16."""
    x = weight.double()
    axes = tuple(range(x.ndim - 1))
    low, high = x.amin(axes, keepdim=True).clamp(max=0), x.amax(axes, keepdim=True).clamp(min=0)
    zero = torch.round((-128 * high - 127 * low) / (high - low)).clamp(-128, 127)
    scale = ((high - low) / 255).float().double()
    codes = (torch.round(x * 255 / (high - low)) + zero).clamp(-128, 127)
    return half((codes - zero) * scale)


class Model:
    """Two prompts, each the other's negative one, through one step of the schedule."""

    def __init__(self) -> None:
        self.unet = UNet2DConditionModel.from_pretrained(TINY / "unet").eval()
        texts = load_file(TINY / "goldens.safetensors")
        self.embeds, self.pooled = texts["unet.embeds"], texts["unet.pooled"]
        self.scheduler = EulerDiscreteScheduler.from_pretrained(TINY / "scheduler")
        self.layers = dict(self.unet.named_modules())

    def load(self, layer: str, weight: torch.Tensor) -> None:
        self.layers[layer].weight.data = weight.float()

    @torch.no_grad()
    def run(self) -> list[torch.Tensor]:
        outputs = []
        size = [8.0 * HEIGHT, 8.0 * WIDTH]
        time_ids = torch.tensor([[*size, 0, 0, *size]] * 2)
        for prompt in range(2):
            self.scheduler.set_timesteps(1)
            (timestep,) = self.scheduler.timesteps
            noise = torch.randn((1, 4, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(SEED + prompt))
            latents = noise * self.scheduler.init_noise_sigma
            pair = self.scheduler.scale_model_input(torch.cat([latents] * 2), timestep)
            order = [1 - prompt, prompt]
            conditions = {"text_embeds": self.pooled[order], "time_ids": time_ids}
            without, with_text = self.unet(pair, timestep, self.embeds[order], added_cond_kwargs=conditions).sample.chunk(2)
            guided = without + GUIDANCE * (with_text - without)
            outputs.append(self.scheduler.step(guided, timestep, latents).prev_sample)
        return outputs


def stored_bits(shape: list[int], bits: int) -> int:
    count = torch.Size(shape).numel()
    if bits == 16:
        return 16 * count
    return -(-shape[0] // 32) * 32 * (count // shape[0]) * bits + 16 * 2**bits


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def analyse() -> dict:
    model = Model()
    original = {name: half(model.layers[name].weight.data) for name in LAYERS}
    shapes = {name: list(weight.shape) for name, weight in original.items()}
    forms = {name: {16: w, "linear8": linear8(w), **palettes(w)} for name, w in original.items()}
    for name in LAYERS:
        model.load(name, original[name])
    reference = model.run()

    def measure(state: dict) -> list[float]:
        for name in LAYERS:
            model.load(name, forms[name][state.get(name, 16)])
        return [psnr(r, t) for r, t in zip(reference, model.run())]

    single, cumulative = {}, {}
    for bits in WIDTHS:
        alone = {name: measure({name: bits}) for name in LAYERS}
        order = sorted(LAYERS, key=lambda name: -sum(alone[name]))
        totals = [sum(alone[name]) for name in order]
        assert all(a - b > MARGIN_DB for a, b in zip(totals, totals[1:])), f"{bits} bits: too near to be ordered"
        state, after = {}, {}
        for name in order:
            state[name] = bits
            after[name] = measure(state)
        single[str(bits)] = alone
        cumulative[str(bits)] = {"metadata": {"candidates": order}, **after}

    baselines = {"original": ORIGINAL, "linear_8bit": mean(measure({name: "linear8" for name in LAYERS}))}
    recipes = {}
    for threshold in torch.linspace(baselines["original"] - 1, baselines["linear_8bit"] + 5, RECIPES).double().tolist():
        all_means = [mean(after[name]) for after in cumulative.values() for name in LAYERS]
        assert min(abs(each - threshold) for each in all_means) > MARGIN_DB, f"{threshold} dB: too near to choose"
        recipe = {
            name: next((b for b in WIDTHS if mean(cumulative[str(b)][name]) > threshold), 16) for name in LAYERS
        }
        if recipe in recipes.values():
            continue
        total = sum(stored_bits(shapes[name], bits) for name, bits in recipe.items())
        average = total / sum(torch.Size(shape).numel() for shape in shapes.values())
        key = f"recipe_{average:.2f}_bit_mixedpalette"
        assert key not in recipes
        baselines[key] = mean(measure(recipe))
        recipes[key] = recipe
    made = {"torch": torch.__version__, "guidance": GUIDANCE, "seed": SEED, "latent": [HEIGHT, WIDTH], "shapes": shapes}
    errors = {
        name: {str(b): float((original[name].double() - forms[name][b].double()).square().sum()) for b in WIDTHS}
        for name in LAYERS
    }
    return {"made": made, "errors": errors, "baselines": baselines, "recipes": recipes, "single_layer": single, "cumulative": cumulative}


def rounded(value: object) -> object:
    """To 1e-5 dB: what is beyond tells nothing."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    result = analyse()
    OUT.parent.mkdir(exist_ok=True)
    told = {**rounded(result), "errors": result["errors"]}
    OUT.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps(result["baselines"], indent=1))
    for name, recipe in result["recipes"].items():
        print(name, list(recipe.values()))
