"""A random LoRA in kohya's form for the tiny Stable Diffusion 1.x, and what diffusers' pipeline paints with it.

    python tools/reference/lora_sd.py       writes packages/testing/goldens/tiny-sd-lora/

After pipelines.py. Linear layers and the 1×1 and 3×3 convolutions of the UNet, and the text encoder. diffusers is
given the same factors in PEFT's form, alphas worked in: of kohya's form this version of it loses most modules' alphas where
they differ. Every golden is the final latents, f32 [1, 4, 12, 8], of a run whose settings are in the file's
metadata. Needs peft and accelerate beside the other requirements.
"""

import json
from tempfile import TemporaryDirectory

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel

from lora import halves
from pipelines import HEIGHT, OUT as PIPELINES, WIDTH, tokenizers
from tiny_sdxl import OUT as BASE
from tiny_sdxl import SCHEDULE

OUT = PIPELINES.parent / "tiny-sd-lora"
BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0"
UNET = [
    *(f"{BLOCK}.{attn}.{to}" for attn in ("attn1", "attn2") for to in ("to_q", "to_k", "to_v", "to_out.0")),
    f"{BLOCK}.ff.net.0.proj", f"{BLOCK}.ff.net.2", "down_blocks.0.attentions.0.proj_in",
    "up_blocks.1.attentions.1.proj_out", "mid_block.attentions.0.transformer_blocks.0.attn2.to_v",
    "down_blocks.1.resnets.0.conv1", "up_blocks.0.resnets.1.conv2", "mid_block.resnets.0.conv1",
]
TEXT = [f"text_model.encoder.layers.1.{m}" for m in ("self_attn.q_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2")]


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    unet = UNet2DConditionModel.from_pretrained(PIPELINES / "sd" / "unet").eval()
    text = CLIPTextModel.from_pretrained(BASE / "text_encoder").eval()
    g = torch.Generator().manual_seed(31)
    file: dict[str, torch.Tensor] = {}
    peft: dict[str, torch.Tensor] = {}
    for prefix, model, names in (("lora_unet_", unet, UNET), ("lora_te_", text, TEXT)):
        for i, name in enumerate(names):
            w = model.get_submodule(name).weight
            key = prefix + name.replace(".", "_")
            file[f"{key}.lora_down.weight"] = halves(g, 2, *w.shape[1:], scale=w[0].numel() ** -0.5)
            file[f"{key}.lora_up.weight"] = halves(g, w.shape[0], 2, *([1] * (w.ndim - 2)), scale=0.6)
            alpha = 2.0 if i % 3 else 1.0
            file[f"{key}.alpha"] = torch.tensor(alpha)
            part = "unet" if model is unet else "text_encoder"
            peft[f"{part}.{name}.lora_A.weight"] = file[f"{key}.lora_down.weight"]
            peft[f"{part}.{name}.lora_B.weight"] = file[f"{key}.lora_up.weight"] * (alpha / 2)
    save_file({k: (v.half() if v.ndim > 1 else v).contiguous() for k, v in file.items()}, OUT / "kohya.safetensors",
              {"format": "pt"})

    schedule = DDIMScheduler(**SCHEDULE, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    pipe = StableDiffusionPipeline(
        unet=unet, text_encoder=text, tokenizer=tokenizers()["tokenizer"], vae=AutoencoderKL.from_pretrained(BASE / "vae"),
        scheduler=schedule, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    said = dict(prompt="a red kite over dunes", negative_prompt="blurry", width=WIDTH, height=HEIGHT,
                num_inference_steps=3, guidance_scale=5.0, output_type="latent")
    paint = lambda: pipe(**said, generator=torch.Generator().manual_seed(5)).images
    goldens = {"none": paint()}
    with TemporaryDirectory() as folder:
        save_file({k: v.contiguous() for k, v in peft.items()}, f"{folder}/peft.safetensors", {"format": "pt"})
        pipe.load_lora_weights(folder, weight_name="peft.safetensors", adapter_name="a")
    for scale in (1.0, -0.6):
        pipe.set_adapters(["a"], [scale])
        goldens[f"{scale}"] = paint()
    for name, latents in goldens.items():
        print(name, "std", round(float(latents.std()), 3), "moved by",
              round(float((latents - goldens["none"]).norm() / goldens["none"].norm()), 3))
    run = dict(prompt=said["prompt"], negativePrompt=said["negative_prompt"], width=WIDTH, height=HEIGHT, steps=3,
               guidance=5, seed=5, scheduler="ddim")
    save_file({k: v.clone().contiguous() for k, v in goldens.items()}, OUT / "goldens.safetensors",
              {"run": json.dumps(run)})


if __name__ == "__main__":
    with torch.no_grad():
        main()
