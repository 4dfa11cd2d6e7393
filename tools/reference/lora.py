"""Random LoRA files in every key form for the tiny SDXL, and what diffusers computes with them.

    python tools/reference/lora.py          writes packages/testing/goldens/tiny-sdxl-lora/

The kohya, original (LDM), PEFT and old diffusers forms hold the same factors, so they share one set of goldens. What
diffusers does not read (LoHa, LoKr, LoCon with a middle) is added to the weights in float64 by LyCORIS' formulas, and the
models are run by diffusers and transformers with those weights. Needs peft and accelerate beside the other requirements.
"""

import copy
import json
from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

ROOT = Path(__file__).parents[2] / "packages" / "testing" / "goldens"
TINY = ROOT / "tiny-sdxl"
OUT = ROOT / "tiny-sdxl-lora"

BLOCK = "down_blocks.1.attentions.0.transformer_blocks.0"
# Attention, feed-forward, projections: what most files have.
LINEAR = [
    *(f"{BLOCK}.{attn}.{to}" for attn in ("attn1", "attn2") for to in ("to_q", "to_k", "to_v", "to_out.0")),
    f"{BLOCK}.ff.net.0.proj", f"{BLOCK}.ff.net.2",
    "down_blocks.1.attentions.0.proj_in", "down_blocks.1.attentions.0.proj_out",
    "mid_block.attentions.0.transformer_blocks.1.attn2.to_v",
    "up_blocks.1.attentions.2.transformer_blocks.0.ff.net.0.proj",
]
# Convolutions and embeddings, as LoCon files have; diffusers' converter of the original names knows the first few.
CONV = [
    "down_blocks.0.resnets.1.conv1", "down_blocks.1.resnets.0.conv2", "mid_block.resnets.1.conv2",
    "up_blocks.0.resnets.2.conv1", "up_blocks.2.resnets.0.conv2",
]
REST = [
    "conv_in", "conv_out", "time_embedding.linear_1", "time_embedding.linear_2", "add_embedding.linear_1",
    "add_embedding.linear_2", "down_blocks.1.resnets.0.time_emb_proj", "down_blocks.1.resnets.0.conv_shortcut",
    "down_blocks.0.downsamplers.0.conv", "up_blocks.0.upsamplers.0.conv", "up_blocks.2.resnets.1.conv_shortcut",
]
TEXT = [
    f"text_model.encoder.layers.{i}.{m}"
    for i in (0, 2)
    for m in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2")
]


def models() -> dict[str, torch.nn.Module]:
    return {
        "unet": UNet2DConditionModel.from_pretrained(TINY / "unet").eval(),
        "text_encoder": CLIPTextModel.from_pretrained(TINY / "text_encoder").eval(),
        "text_encoder_2": CLIPTextModelWithProjection.from_pretrained(TINY / "text_encoder_2").eval(),
    }


def halves(g: torch.Generator, *shape: int, scale: float) -> torch.Tensor:
    """Values that half floats hold, so that files of any dtype hold the same."""
    return (torch.randn(*shape, generator=g) * scale).half().float()


def factors(all_models: dict, seed: int) -> dict[tuple[str, str], tuple[torch.Tensor, torch.Tensor, float]]:
    """
    (part, module) → down, up, alpha. The rank is 2 throughout: where ranks differ and a file gives no alpha, diffusers
    scales those that are not the most common by its ratio to theirs. Alpha is a power of two times the rank.
    """
    g = torch.Generator().manual_seed(seed)
    out = {}
    for part, names in (("unet", LINEAR + CONV + REST), ("text_encoder", TEXT), ("text_encoder_2", TEXT)):
        for i, name in enumerate(names):
            w = all_models[part].get_submodule(name).weight
            rank = 2
            alpha = rank * (0.5 if i % 3 else 1.0)
            down = halves(g, rank, *w.shape[1:], scale=w[0].numel() ** -0.5)
            up = halves(g, w.shape[0], rank, *([1] * (w.ndim - 2)), scale=0.6)
            out[part, name] = (down, up, alpha)
    return out


KOHYA = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}


def kohya(f: dict) -> dict[str, torch.Tensor]:
    out = {}
    for (part, name), (down, up, alpha) in f.items():
        key = KOHYA[part] + name.replace(".", "_")
        out |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(alpha)}
    return out


# The names these modules have in the original code, written out by hand from its UNet.
ORIGINAL = {
    "conv_in": "input_blocks_0_0", "conv_out": "out_2",
    "time_embedding.linear_1": "time_embed_0", "time_embedding.linear_2": "time_embed_2",
    "add_embedding.linear_1": "label_emb_0_0", "add_embedding.linear_2": "label_emb_0_2",
    "down_blocks.0.resnets.1.conv1": "input_blocks_2_0_in_layers_2",
    "down_blocks.0.downsamplers.0.conv": "input_blocks_3_0_op",
    "down_blocks.1.resnets.0.conv2": "input_blocks_4_0_out_layers_3",
    "down_blocks.1.resnets.0.time_emb_proj": "input_blocks_4_0_emb_layers_1",
    "down_blocks.1.resnets.0.conv_shortcut": "input_blocks_4_0_skip_connection",
    "mid_block.resnets.1.conv2": "middle_block_2_out_layers_3",
    "up_blocks.0.resnets.2.conv1": "output_blocks_2_0_in_layers_2",
    "up_blocks.0.upsamplers.0.conv": "output_blocks_2_2_conv",
    "up_blocks.2.resnets.0.conv2": "output_blocks_6_0_out_layers_3",
    "up_blocks.2.resnets.1.conv_shortcut": "output_blocks_7_0_skip_connection",
}
ORIGINAL_ATTENTION = {
    "down_blocks.1.attentions.0": "input_blocks_4_1", "mid_block.attentions.0": "middle_block_1",
    "up_blocks.1.attentions.2": "output_blocks_5_1",
}


def original(f: dict) -> dict[str, torch.Tensor]:
    out = {}
    for (part, name), (down, up, alpha) in f.items():
        flat = name.replace(".", "_")
        if part == "unet":
            for ours, theirs in ORIGINAL_ATTENTION.items():
                if name.startswith(ours):
                    flat = theirs + name[len(ours):].replace(".", "_")
            flat = ORIGINAL.get(name, flat)
            assert "blocks_" not in flat or flat.startswith(("input", "output", "middle")), flat
        key = KOHYA[part] + flat
        out |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(alpha)}
    return out


def peft(f: dict) -> dict[str, torch.Tensor]:
    """PEFT's form has no alpha of its own: it is in the ups, exactly, being a power of two times the rank."""
    out = {}
    for (part, name), (down, up, alpha) in f.items():
        out[f"{part}.{name}.lora_A.weight"] = down
        out[f"{part}.{name}.lora_B.weight"] = up * (alpha / down.shape[0])
    return out


def old_diffusers(f: dict) -> dict[str, torch.Tensor]:
    out = {}
    for (part, name), (down, up, alpha) in f.items():
        tail = name.rsplit(".", 1)[-1]
        if ".attn" in name:
            head, to = name.split(".to_")
            key = f"{part}.{head}.processor.to_{to.removesuffix('.0')}_lora"
        elif "self_attn" in name:
            to = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}[tail]
            key = f"{part}.{name.removesuffix(tail)}{to}_lora"
        elif "mlp" in name:
            key = f"{part}.{name}.lora_linear_layer"
        else:
            key = f"{part}.{name}.lora"
        out[f"{key}.down.weight"] = down
        out[f"{key}.up.weight"] = up * (alpha / down.shape[0])
    return out


def lycoris(all_models: dict) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A file of LoHa, LoKr and LoCon with a middle, and the changes it means, `unet` tensors by name."""
    g = torch.Generator().manual_seed(23)
    file: dict[str, torch.Tensor] = {}
    deltas: dict[str, torch.Tensor] = {}
    unet = all_models["unet"]

    def put(name: str, parts: dict[str, torch.Tensor], delta: torch.Tensor, alpha: float | None = None) -> None:
        key = "lora_unet_" + name.replace(".", "_")
        file.update({f"{key}.{k}": v for k, v in parts.items()})
        if alpha is not None:
            file[f"{key}.alpha"] = torch.tensor(alpha)
        deltas[name + ".weight"] = delta.reshape(unet.get_submodule(name).weight.shape)

    d = torch.float64
    # LoHa of a linear layer, rank 2, alpha 1.
    n, k = unet.get_submodule(f"{BLOCK}.attn2.to_k").weight.shape
    a1, a2 = halves(g, n, 2, scale=0.7), halves(g, n, 2, scale=0.7)
    b1, b2 = halves(g, 2, k, scale=0.5), halves(g, 2, k, scale=0.5)
    put(f"{BLOCK}.attn2.to_k", {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2},
        (a1.to(d) @ b1.to(d)) * (a2.to(d) @ b2.to(d)) * 0.5, 1.0)
    # LoHa of a convolution with middles, rank 2.
    name = "mid_block.resnets.0.conv1"
    n, c = unet.get_submodule(name).weight.shape[:2]
    w = {f"hada_w{i}_a": halves(g, 2, n, scale=0.7) for i in (1, 2)}
    w |= {f"hada_w{i}_b": halves(g, 2, c, scale=0.7) for i in (1, 2)}
    w |= {f"hada_t{i}": halves(g, 2, 2, 3, 3, scale=0.5) for i in (1, 2)}
    half = lambda i: torch.einsum("ijkl,jr,ip->prkl", w[f"hada_t{i}"].to(d), w[f"hada_w{i}_b"].to(d), w[f"hada_w{i}_a"].to(d))
    put(name, w, half(1) * half(2), 2.0)
    # LoKr: both factors whole (alpha then counts for nothing); the second of rank 3.
    name = f"{BLOCK}.attn1.to_v"
    n, k = unet.get_submodule(name).weight.shape  # 20 × 20
    w1, w2 = halves(g, 4, 5, scale=0.5), halves(g, n // 4, k // 5, scale=0.5)
    put(name, {"lokr_w1": w1, "lokr_w2": w2}, torch.kron(w1.to(d), w2.to(d)), 7.0)
    name = f"{BLOCK}.ff.net.2"
    n, k = unet.get_submodule(name).weight.shape  # 20 × 80
    w1, a, b = halves(g, 2, 4, scale=0.5), halves(g, n // 2, 3, scale=0.4), halves(g, 3, k // 4, scale=0.4)
    put(name, {"lokr_w1": w1, "lokr_w2_a": a, "lokr_w2_b": b}, torch.kron(w1.to(d), a.to(d) @ b.to(d)) * 0.5, 1.5)
    # LoKr of a convolution: taps are the second factor's.
    name = "down_blocks.0.resnets.0.conv1"
    n, c = unet.get_submodule(name).weight.shape[:2]  # 10, 10
    w1, w2 = halves(g, 2, 5, scale=0.4), halves(g, n // 2, c // 5, 3, 3, scale=0.3)
    put(name, {"lokr_w1": w1, "lokr_w2": w2}, torch.kron(w1.to(d)[:, :, None, None], w2.to(d)))
    # LoCon with a middle of two ranks.
    name = "up_blocks.2.resnets.0.conv1"
    n, c = unet.get_submodule(name).weight.shape[:2]
    down, mid, up = halves(g, 3, c, 1, 1, scale=0.4), halves(g, 2, 3, 3, 3, scale=0.4), halves(g, n, 2, 1, 1, scale=0.5)
    put(name, {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up},
        torch.einsum("nmkl,in,mj->ijkl", mid.to(d), up.to(d)[:, :, 0, 0], down.to(d)[:, :, 0, 0]) * 0.5, 1.5)
    return file, deltas


@torch.no_grad()
def run(all_models: dict, base: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    ids = base["input_ids"].long()
    first = all_models["text_encoder"](ids, output_hidden_states=True)
    second = all_models["text_encoder_2"](ids, output_hidden_states=True)
    unet = all_models["unet"](
        base["unet.odd.sample"], base["unet.odd.timestep"][0], base["unet.embeds"],
        added_cond_kwargs={"text_embeds": base["unet.pooled"], "time_ids": base["unet.time_ids"]},
    ).sample
    return {
        f"{prefix}.text_encoder.hidden": first.hidden_states[-2], f"{prefix}.text_encoder_2.hidden": second.hidden_states[-2],
        f"{prefix}.text_encoder_2.pooled": second.text_embeds, f"{prefix}.unet.out": unet,
    }


def pipeline(all_models: dict) -> StableDiffusionXLPipeline:
    return StableDiffusionXLPipeline(
        vae=None, tokenizer=None, tokenizer_2=None, scheduler=EulerDiscreteScheduler(), **copy.deepcopy(all_models)
    )


def by_hand(all_models: dict, parts: list[tuple[dict, float]]) -> dict:
    """The models with changes added to their weights in float64."""
    out = copy.deepcopy(all_models)
    for deltas, scale in parts:
        for (part, tensor), delta in deltas.items():
            p = out[part].get_parameter(tensor)
            p.data = (p.data.double() + scale * delta).float() if scale != 0 else p.data
    return out


def deltas_of(f: dict) -> dict:
    return {
        (part, name + ".weight"): torch.tensordot(up.double().flatten(1), down.double(), dims=1) * (alpha / down.shape[0])
        for (part, name), (down, up, alpha) in f.items()
    }


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    all_models = models()
    base = load_file(TINY / "goldens.safetensors")
    f = factors(all_models, 21)
    lyco_file, lyco = lycoris(all_models)
    forms = {"kohya": kohya(f), "original": original(f), "peft": peft(f), "old-diffusers": old_diffusers(f), "lycoris": lyco_file}
    for name, tensors in forms.items():
        tensors = {k: (v.half() if v.ndim > 1 else v).contiguous() for k, v in tensors.items()}
        assert all(torch.equal(v.float(), forms[name][k].float()) for k, v in tensors.items()), name
        save_file(tensors, OUT / f"{name}.safetensors", {"format": "pt"})

    # diffusers with PEFT's form, which its loader passes to PEFT as it is, at several scales; fused, too.
    goldens: dict[str, torch.Tensor] = {}
    for scale in (1.0, -0.6):
        pipe = pipeline(all_models)
        pipe.load_lora_weights(str(OUT), weight_name="peft.safetensors", adapter_name="a")
        pipe.set_adapters(["a"], [scale])
        goldens |= run({k: getattr(pipe, k) for k in all_models}, base, f"diffusers.{scale}")
        # The same by adding changes to the weights: diffusers' numbers confirm the formula that the rest uses.
        hand = run(by_hand(all_models, [(deltas_of(f), scale)]), base, f"diffusers.{scale}")
        for key, value in hand.items():
            error = ((value - goldens[key]).norm() / goldens[key].norm()).item()
            assert error < 1e-5, (key, error)
    changes = {("unet", name): delta for name, delta in lyco.items()}
    goldens |= run(by_hand(all_models, [(changes, 0.8)]), base, "lycoris")
    goldens |= run(by_hand(all_models, [(deltas_of(f), 0.7), (changes, 0.5)]), base, "both")
    unchanged = run(all_models, base, "none")
    kept = {k: v for k, v in goldens.items() if not (k.startswith("lycoris.text"))}
    save_file({k: v.clone().contiguous() for k, v in kept.items()}, OUT / "goldens.safetensors")
    print(json.dumps({k: [list(v.shape), round(float(v.std()), 3)] for k, v in kept.items()}, indent=1))
    for key in ("text_encoder.hidden", "text_encoder_2.pooled", "unet.out"):
        moved = (goldens[f"diffusers.1.0.{key}"] - unchanged[f"none.{key}"]).norm() / unchanged[f"none.{key}"].norm()
        print(key, "moved by", round(float(moved), 3))


if __name__ == "__main__":
    main()
