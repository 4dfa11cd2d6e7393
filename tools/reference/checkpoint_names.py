"""Names and shapes of official checkpoints, in diffusers layout and as single files under the original names.

    python tools/reference/checkpoint_names.py    writes packages/testing/goldens/checkpoint-names.json.gz

Models are made on torch's meta device from their published configurations. Single files are written here by turning
diffusers' conversion round by hand; then diffusers' own conversion of that file has to give the model back, every name and
every shape, so a wrong name cannot pass.
"""

import gzip
import json
import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as sf
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

ROOT = Path(__file__).parents[2]
OUT = ROOT / "packages" / "testing" / "goldens" / "checkpoint-names.json.gz"
# Models of SDXL's architecture that lie here, to compare values by.
SMALL = {"tiny-sdxl": ROOT / "packages" / "testing" / "goldens" / "tiny-sdxl",
         "demo-model": ROOT / "packages" / "demo-model" / "model"}

CLIP_L = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
              hidden_act="quick_gelu", projection_dim=768)
OPEN_CLIP_H = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16,
                   hidden_act="gelu", projection_dim=1024)
OPEN_CLIP_G = dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
                   hidden_act="gelu", projection_dim=1280)
DOWN, CROSS_DOWN, UP, CROSS_UP = "DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"
UNETS = {
    "sd15": dict(sample_size=64, block_out_channels=[320, 640, 1280, 1280], layers_per_block=2, attention_head_dim=8,
                 cross_attention_dim=768, down_block_types=[CROSS_DOWN] * 3 + [DOWN],
                 up_block_types=[UP] + [CROSS_UP] * 3),
    "sd21": dict(sample_size=96, block_out_channels=[320, 640, 1280, 1280], layers_per_block=2,
                 attention_head_dim=[5, 10, 20, 20], cross_attention_dim=1024, use_linear_projection=True,
                 down_block_types=[CROSS_DOWN] * 3 + [DOWN], up_block_types=[UP] + [CROSS_UP] * 3),
    "sdxl": dict(sample_size=128, block_out_channels=[320, 640, 1280], layers_per_block=2,
                 attention_head_dim=[5, 10, 20], transformer_layers_per_block=[1, 2, 10], use_linear_projection=True,
                 cross_attention_dim=2048, addition_embed_type="text_time", addition_time_embed_dim=256,
                 projection_class_embeddings_input_dim=2816, down_block_types=[DOWN, CROSS_DOWN, CROSS_DOWN],
                 up_block_types=[CROSS_UP, CROSS_UP, UP]),
    "sdxl-refiner": dict(sample_size=128, block_out_channels=[384, 768, 1536, 1536], layers_per_block=2,
                         attention_head_dim=[6, 12, 24, 24], transformer_layers_per_block=4,
                         use_linear_projection=True, cross_attention_dim=1280, addition_embed_type="text_time",
                         addition_time_embed_dim=256, projection_class_embeddings_input_dim=2560,
                         down_block_types=[DOWN, CROSS_DOWN, CROSS_DOWN, DOWN],
                         up_block_types=[UP, CROSS_UP, CROSS_UP, UP]),
}
VAE = dict(block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4, norm_num_groups=32,
           down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4)
# Published numbers of parameters of the UNets.
COUNTS = {"sd15": 859_520_964, "sd21": 865_910_724, "sdxl": 2_567_463_684}
# Text encoders of each: folder, configuration, prefix in a single file, whether it is of OpenCLIP, pooled state projected.
TEXTS = {
    "sd15": [("text_encoder", CLIP_L, "cond_stage_model.transformer.", False, False)],
    "sd21": [("text_encoder", OPEN_CLIP_H, "cond_stage_model.model.", True, False)],
    "sdxl": [("text_encoder", CLIP_L, "conditioner.embedders.0.transformer.", False, False),
             ("text_encoder_2", OPEN_CLIP_G, "conditioner.embedders.1.model.", True, True)],
    "sdxl-refiner": [("text_encoder_2", OPEN_CLIP_G, "conditioner.embedders.0.model.", True, True)],
}


def shapes(model: torch.nn.Module, text: bool = False) -> dict[str, list[int]]:
    # transformers has flattened the encoder without projection; published files keep the prefix.
    prefix = "text_model." if text and not any(n.startswith("text_model.") for n, _ in model.named_parameters()) else ""
    return {prefix + name: list(p.shape) for name, p in model.named_parameters()}


def unet_old(name: str, layers: int) -> str:
    outer = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
             "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}
    stem, kind = name.rsplit(".", 1)
    if stem in outer:
        return f"{outer[stem]}.{kind}"
    inner = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
             "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
    mid = re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name)
    if mid:
        place = 2 * int(mid[2]) if mid[1] == "resnets" else 1
        rest = mid[3]
        if mid[1] == "resnets":
            rest = inner[rest.rsplit(".", 1)[0]] + "." + kind
        return f"middle_block.{place}.{rest}"
    way, level, what, index, rest = re.match(
        r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name).groups()
    level, index = int(level), int(index)
    first = level * (layers + 1) + (1 if way == "down" else 0)
    where = f"{'input' if way == 'down' else 'output'}_blocks"
    if what == "downsamplers":
        return f"{where}.{first + layers}.0.op.{kind}"
    if what == "upsamplers":
        return f"{where}.{first + layers}.@.conv.{kind}"  # behind an attention where there is one
    if what == "resnets":
        return f"{where}.{first + index}.0.{inner[rest.rsplit('.', 1)[0]]}.{kind}"
    return f"{where}.{first + index}.1.{rest}"


def vae_old(name: str, levels: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    for new, old in {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}.items():
        name = name.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{old}.")
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.", lambda m: f"up.{levels - 1 - int(m[1])}.block.", name)
    return re.sub(r"up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"up.{levels - 1 - int(m[1])}.upsample.", name)


def open_clip_old(name: str) -> str | None:
    """Nothing for keys and values, which lie behind the queries in one tensor."""
    if ".k_proj." in name or ".v_proj." in name:
        return None
    fixed = {"text_model.embeddings.token_embedding.weight": "token_embedding.weight",
             "text_model.embeddings.position_embedding.weight": "positional_embedding",
             "text_projection.weight": "text_projection"}
    if name in fixed:
        return fixed[name]
    for new, old in {"text_model.final_layer_norm.": "ln_final.", "text_model.encoder.layers.": "transformer.resblocks.",
                     ".layer_norm1.": ".ln_1.", ".layer_norm2.": ".ln_2.", ".mlp.fc1.": ".mlp.c_fc.",
                     ".mlp.fc2.": ".mlp.c_proj.", ".self_attn.out_proj.": ".attn.out_proj.",
                     ".self_attn.q_proj.weight": ".attn.in_proj_weight",
                     ".self_attn.q_proj.bias": ".attn.in_proj_bias"}.items():
        name = name.replace(new, old)
    return name


def single_file(parts: dict[str, dict[str, list[int]]], texts: list, layers: int, levels: int) -> dict[str, dict]:
    """By name in the file: its shape, and the tensors of the layout it holds, with how where it is not as it is."""
    file = {}
    unet = {unet_old(name, layers): name for name in parts["unet"]}
    for old, name in unet.items():
        if "@" in old:
            attends = old.replace("@.conv.weight", "1.norm.weight").replace("@.conv.bias", "1.norm.weight") in unet
            old = old.replace("@", "2" if attends else "1")
        file["model.diffusion_model." + old] = {"shape": parts["unet"][name], "of": ["unet", name]}
    for name, shape in parts["vae"].items():
        conv = re.search(r"attentions\.0\.to_(q|k|v|out\.0)\.weight", name)
        file["first_stage_model." + vae_old(name, levels)] = {
            "shape": [*shape, 1, 1] if conv else shape, "of": ["vae", name]}
    for folder, _, prefix, is_open, _ in texts:
        for name, shape in parts[folder].items():
            if not is_open:
                file[prefix + name] = {"shape": shape, "of": [folder, name]}
                continue
            old = open_clip_old(name)
            if old is None:
                continue
            if ".in_proj_" in old:
                names = [name.replace(".q_proj.", f".{each}_proj.") for each in "qkv"]
                file[prefix + old] = {"shape": [3 * shape[0], *shape[1:]], "of": [folder, *names]}
            elif old == "text_projection":
                file[prefix + old] = {"shape": shape[::-1], "of": [folder, name], "transposed": True}
            else:
                file[prefix + old] = {"shape": shape, "of": [folder, name]}
    return file


def assert_diffusers_agrees(parts: dict, file: dict, texts: list, models: dict) -> None:
    meta = {name: torch.empty(entry["shape"], device="meta") for name, entry in file.items()}
    same = lambda part, got: sorted((n, tuple(t.shape)) for n, t in got.items()) == sorted(
        (n, tuple(s)) for n, s in parts[part].items())
    assert same("unet", sf.convert_ldm_unet_checkpoint(meta, models["unet"].config)), "unet"
    vae = sf.convert_ldm_vae_checkpoint(meta, models["vae"].config)
    assert same("vae", vae), "vae"
    for folder, _, prefix, is_open, _ in texts:
        if is_open:
            got = sf.convert_open_clip_checkpoint(models[folder], meta, prefix=prefix)
        else:
            got = sf.convert_ldm_clip_checkpoint(meta, remove_prefix=prefix)
        got = {n: t for n, t in got.items() if not n.startswith("text_projection") or "text_projection.weight" in parts[folder]}
        assert same(folder, got), folder


def build(unet: dict, vae: dict, texts: list) -> dict:
    models: dict[str, torch.nn.Module] = {"unet": UNet2DConditionModel(**unet), "vae": AutoencoderKL(**vae)}
    for folder, config, _, _, projected in texts:
        models[folder] = (CLIPTextModelWithProjection if projected else CLIPTextModel)(CLIPTextConfig(**config))
    parts = {folder: shapes(model, folder.startswith("text")) for folder, model in models.items()}
    file = single_file(parts, texts, unet["layers_per_block"], len(vae["block_out_channels"]))
    assert_diffusers_agrees(parts, file, texts, models)
    return {"configs": {"unet": unet, "vae": vae, **{t[0]: t[1] for t in texts}}, "parts": parts, "file": file}


def small(folder: Path) -> dict:
    read = lambda part: {k: v for k, v in json.loads((folder / part / "config.json").read_text()).items()
                         if not k.startswith("_") and v is not None}
    texts = [(folder, read(folder), prefix, is_open, projected)
             for folder, _, prefix, is_open, projected in TEXTS["sdxl"]]
    return build(read("unet"), read("vae"), texts)


def main() -> None:
    out = {}
    with torch.device("meta"):
        for family, unet in UNETS.items():
            out[family] = build(unet, VAE, TEXTS[family])
            count = sum(torch.Size(s).numel() for s in out[family]["parts"]["unet"].values())
            assert COUNTS.get(family, count) == count, (family, count)
            print(family, count, {part: len(names) for part, names in out[family]["parts"].items()},
                  len(out[family]["file"]))
        # What the file has and the layout leaves out: the layer after the one that is taken, and what projects.
        file = out["sd21"]["file"]
        prefix = TEXTS["sd21"][0][2]
        for name, entry in list(file.items()):
            if name.startswith(prefix + "transformer.resblocks.22."):
                file[name.replace(".22.", ".23.")] = {"shape": entry["shape"], "of": []}
        file[prefix + "text_projection"] = {"shape": [1024, 1024], "of": []}
        file[prefix + "logit_scale"] = {"shape": [], "of": []}
        for name, folder in SMALL.items():
            out[name] = {**small(folder), "configs": {}}
    text = json.dumps(out, separators=(",", ":"))
    OUT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(len(text), "characters", OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
