"""A tiny random SDXL with awkward sizes, and what diffusers computes with it: the goldens of the model tests.

    python tools/reference/tiny_sdxl.py          writes packages/testing/goldens/tiny-sdxl/

Channels are no multiples of 4 times the groups, head widths are 10, 6 and 5, latents are not square and one of their
sides is odd, and the batch is 2. All weights are random, biases and norms included, so that nothing can be left out unseen.
"""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

OUT = Path(__file__).parents[2] / "packages" / "testing" / "goldens" / "tiny-sdxl"
SCHEDULE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)


def randomise(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Random biases, and norms away from one, so that every tensor matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim > 1:
                p.copy_(noise / (p[0].numel() ** 0.5))
            elif "norm" in name and name.endswith("weight"):
                p.copy_(1 + 0.2 * noise)
            else:
                p.copy_(0.1 * noise)
    return model.eval()


def text_config(width: int, heads: int, layers: int, act: str, projection: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=1000, hidden_size=width, intermediate_size=width * 3 + 2, projection_dim=projection,
        num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=77, hidden_act=act,
        bos_token_id=998, eos_token_id=2 if act == "quick_gelu" else 999, pad_token_id=0,
    )


def build() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    return {
        "text_encoder": randomise(CLIPTextModel(text_config(12, 2, 3, "quick_gelu", 12)), 1),
        "text_encoder_2": randomise(CLIPTextModelWithProjection(text_config(20, 4, 3, "gelu", 14)), 2),
        "unet": randomise(
            UNet2DConditionModel(
                sample_size=16, in_channels=4, out_channels=4, layers_per_block=2, norm_num_groups=5,
                block_out_channels=(10, 20, 30),
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                attention_head_dim=(1, 2, 3), transformer_layers_per_block=(1, 1, 2), use_linear_projection=True,
                cross_attention_dim=32, addition_embed_type="text_time", addition_time_embed_dim=6,
                projection_class_embeddings_input_dim=50,
            ), 3),
        "vae": randomise(
            AutoencoderKL(
                in_channels=3, out_channels=3, latent_channels=4, norm_num_groups=3, layers_per_block=1,
                block_out_channels=(6, 9, 12, 12), down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.13025, force_upcast=False,
            ), 4),
    }


def save_models(models: dict[str, torch.nn.Module]) -> None:
    for name, model in models.items():
        model.save_pretrained(OUT / name, safe_serialization=True)
    EulerDiscreteScheduler(**SCHEDULE, steps_offset=1, timestep_spacing="leading").save_pretrained(OUT / "scheduler")
    index = {
        "_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": True,
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    }
    (OUT / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def schedulers() -> dict[str, object]:
    common = dict(**SCHEDULE, timestep_spacing="leading", steps_offset=1)
    return {
        "ddim": DDIMScheduler(**common, clip_sample=False, set_alpha_to_one=False),
        "euler": EulerDiscreteScheduler(**common),
        "euler-ancestral": EulerAncestralDiscreteScheduler(**common),
        "dpmpp-2m": DPMSolverMultistepScheduler(**common),
        "dpmpp-2m-karras": DPMSolverMultistepScheduler(**common, use_karras_sigmas=True),
    }


@torch.no_grad()
def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    models = build()
    save_models(models)
    g = torch.Generator().manual_seed(7)
    out: dict[str, torch.Tensor] = {}

    # Text: two prompts of different length; the end token is the largest id in both models' sense.
    ids = torch.zeros(2, 77, dtype=torch.long)
    for row, length in enumerate((9, 31)):
        ids[row, 0] = 998
        ids[row, 1:length] = torch.randint(3, 900, (length - 1,), generator=g)
        ids[row, length:] = 999 if row == 0 else 0
        ids[row, length] = 999
    first = models["text_encoder"](ids, output_hidden_states=True)
    second = models["text_encoder_2"](ids, output_hidden_states=True)
    out["input_ids"] = ids.to(torch.int32)
    out["text_encoder.hidden"] = first.hidden_states[-2]
    out["text_encoder_2.hidden"] = second.hidden_states[-2]
    out["text_encoder_2.pooled"] = second.text_embeds
    embeds = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)  # [2, 77, 32]
    pooled = second.text_embeds  # [2, 14]

    # The UNet alone: batch 2, 12×20 and an odd 13×9 latent, different sizes per row.
    time_ids = torch.tensor([[96.0, 160, 0, 0, 96, 160], [128.0, 64, 8, 4, 104, 72]])
    out["unet.time_ids"] = time_ids
    out["unet.embeds"], out["unet.pooled"] = embeds, pooled
    for name, h, w, t in (("even", 12, 20, 981.0), ("odd", 13, 9, 1.0)):
        sample = torch.randn(2, 4, h, w, generator=g)
        out[f"unet.{name}.sample"] = sample
        out[f"unet.{name}.timestep"] = torch.tensor([t])
        out[f"unet.{name}.out"] = models["unet"](
            sample, torch.tensor(t), embeds, added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids}
        ).sample

    # The VAE alone.
    latents = torch.randn(2, 4, 6, 5, generator=g)
    image = torch.rand(2, 3, 40, 48, generator=g) * 2 - 1
    out["vae.latents"] = latents
    out["vae.decoded"] = models["vae"].decode(latents / models["vae"].config.scaling_factor).sample
    out["vae.image"] = image
    out["vae.moments"] = torch.cat(
        [models["vae"].encode(image).latent_dist.mean, models["vae"].encode(image).latent_dist.logvar], dim=1
    )

    # Whole: guided latents after N steps. Row 1 of the text is the negative prompt.
    noise = torch.randn(1, 4, 12, 8, generator=g)
    out["whole.noise"] = noise
    guidance = 5.0
    ids6 = torch.tensor([[96.0, 64, 0, 0, 96, 64]]).repeat(2, 1)
    both, both_pooled = embeds.flip(0), pooled.flip(0)  # negative first
    for name, scheduler in schedulers().items():
        for steps in (3, 20):
            scheduler.set_timesteps(steps)
            draws = torch.Generator().manual_seed(11)
            x = noise * scheduler.init_noise_sigma
            for t in scheduler.timesteps:
                pair = scheduler.scale_model_input(torch.cat([x, x]), t)
                eu, ec = models["unet"](
                    pair, t, both, added_cond_kwargs={"text_embeds": both_pooled, "time_ids": ids6}
                ).sample.chunk(2)
                eps = eu + guidance * (ec - eu)
                extra = {"generator": draws} if name == "euler-ancestral" else {}
                x = scheduler.step(eps, t, x, **extra).prev_sample
            out[f"whole.{name}.{steps}"] = x
    save_file({k: v.clone().contiguous() for k, v in out.items()}, OUT / "goldens.safetensors")
    print({k: (tuple(v.shape), round(float(v.float().std()), 3)) for k, v in out.items()})


if __name__ == "__main__":
    main()
