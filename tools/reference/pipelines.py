"""What diffusers' pipelines make of tiny random models: the goldens of the pipeline tests.

    python tools/reference/pipelines.py          writes packages/testing/goldens/tiny-pipelines/

Text encoders and VAE are those of tiny_sdxl.py; only what differs lies here, a folder a model, to be read in front of
tiny-sdxl. Tokenizers know single bytes. Every golden is the final latents, f32 [1, 4, 12, 8], of a run whose settings are in
the file's metadata, or the pixels it decodes to.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.models.clip.tokenization_clip import bytes_to_unicode

from tiny_sdxl import OUT as BASE
from tiny_sdxl import SCHEDULE, randomise

OUT = BASE.parent / "tiny-pipelines"
WIDTH, HEIGHT = 64, 96
SMALL = dict(sample_size=16, out_channels=4, layers_per_block=1, norm_num_groups=4, use_linear_projection=True)


def tokenizers() -> dict[str, CLIPTokenizer]:
    """One that pads with the end token, and one that pads with '!'."""
    letters = list(bytes_to_unicode().values())
    vocabulary = {token: i for i, token in enumerate(["!"] + [c for c in letters if c != "!"])}
    for letter in letters:
        vocabulary[f"{letter}</w>"] = len(vocabulary)
    vocabulary |= {"<|startoftext|>": 998, "<|endoftext|>": 999}
    made = {}
    for name, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
        folder = OUT / "base" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")))
        (folder / "merges.txt").write_text("#version: 0.2\n")
        tokenizer = CLIPTokenizer(folder / "vocab.json", folder / "merges.txt", pad_token=pad, model_max_length=77)
        (folder / "tokenizer_config.json").write_text(json.dumps({
            "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
            "pad_token": pad, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer",
        }, indent=2) + "\n")
        (folder / "special_tokens_map.json").write_text(json.dumps({
            "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": pad,
        }, indent=2) + "\n")
        made[name] = tokenizer
    return made


def sdxl_unet(seed: int, **changes) -> UNet2DConditionModel:
    config = dict(
        **SMALL, in_channels=4, block_out_channels=(8, 12), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(1, 2),
        transformer_layers_per_block=(1, 2), cross_attention_dim=32, addition_embed_type="text_time",
        addition_time_embed_dim=6, projection_class_embeddings_input_dim=50,
    )
    return randomise(UNet2DConditionModel(**(config | changes)), seed)


def sd_unet(seed: int, **changes) -> UNet2DConditionModel:
    config = dict(
        **(SMALL | dict(use_linear_projection=False)), in_channels=4, block_out_channels=(8, 12),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=2, cross_attention_dim=12,
    )
    return randomise(UNet2DConditionModel(**(config | changes)), seed)


def picture(width: int, height: int, seed: int) -> Image.Image:
    """Smooth colours with an edge through them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = rng.uniform(0.02, 0.2, (3, 2))
    channels = [127 + 100 * np.sin(a * x + b * y + i) for i, (a, b) in enumerate(waves)]
    pixels = np.stack(channels, axis=-1)
    pixels[(x + 2 * y) % 50 < 18] *= 0.4
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def mask(width: int, height: int) -> Image.Image:
    """A soft disc, so that it matters where half white is."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(x - width * 0.45, y - height * 0.4)
    return Image.fromarray(np.clip(255 * (0.3 * width - distance) / 6 + 127, 0, 255).astype(np.uint8))


def save_index(folder: str, class_name: str, **more) -> None:
    (OUT / folder).mkdir(parents=True, exist_ok=True)
    (OUT / folder / "model_index.json").write_text(json.dumps({"_class_name": class_name, **more}, indent=2) + "\n")


class Recorder:
    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self.runs: dict[str, dict] = {}

    def latents(self, name: str, model: str, pipe, settings: dict, **call) -> torch.Tensor:
        """`settings` are the request in Pleinair's words, `call` diffusers' own arguments."""
        pipe.set_progress_bar_config(disable=True)
        if "scheduler" in settings:
            settings = settings | {"scheduler": settings["scheduler"]}
        generator = torch.Generator().manual_seed(settings["seed"])
        result = pipe(**call, generator=generator, output_type="latent", return_dict=True).images
        self.tensors[f"{name}.latents"] = result
        self.runs[name] = {"model": model, **settings}
        print(f"{name:32} std {result.std():.3f} max {result.abs().max():.2f}")
        return result


@torch.no_grad()
def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    tokens = tokenizers()
    one = CLIPTextModel.from_pretrained(BASE / "text_encoder")
    two = CLIPTextModelWithProjection.from_pretrained(BASE / "text_encoder_2")
    vae = AutoencoderKL.from_pretrained(BASE / "vae")
    euler = EulerDiscreteScheduler.from_pretrained(BASE / "scheduler")
    record = Recorder()
    init, init_mask = picture(WIDTH, HEIGHT, 1), mask(WIDTH, HEIGHT)
    other, other_mask = picture(90, 70, 2), mask(90, 70)
    for name, image in dict(image=init, mask=init_mask, other=other, other_mask=other_mask).items():
        record.tensors[name] = torch.from_numpy(np.array(image.convert("RGB")))  # [h, w, 3]
    texts = dict(prompt="a red kite over dunes", negative_prompt="blurry")
    said = dict(prompt="a red kite over dunes", negativePrompt="blurry")
    size = dict(width=WIDTH, height=HEIGHT)

    # SDXL base, with the small UNet.
    unet = sdxl_unet(11)
    unet.save_pretrained(OUT / "base" / "unet")
    save_index("base", "StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)
    both = dict(text_encoder=one, text_encoder_2=two, vae=vae, **tokens)
    base = StableDiffusionXLPipeline(**both, unet=unet, scheduler=euler, add_watermarker=False)
    made = dict(seed=3, steps=4, guidance=5, **size, **said)
    call = dict(num_inference_steps=4, guidance_scale=5.0, **size, **texts)
    record.latents("base", "base", base, made, **call)
    record.latents("absent-negative", "base", base, {k: v for k, v in made.items() if k != "negativePrompt"},
                   **{k: v for k, v in call.items() if k != "negative_prompt"})
    record.latents("prompt-2", "base", base, made | dict(prompt2="an oil painting", negativePrompt2="a photograph"),
                   **call, prompt_2="an oil painting", negative_prompt_2="a photograph")
    record.latents("clip-skip", "base", base, made | dict(clipSkip=1), **call, clip_skip=1)
    record.latents("guidance-rescale", "base", base, made | dict(guidanceRescale=0.7), **call, guidance_rescale=0.7)
    record.latents(
        "micro-conditioning", "base", base,
        made | dict(conditioning=dict(
            originalSize=[128, 80], cropTopLeft=[8, 16], targetSize=[112, 64],
            negativeOriginalSize=[32, 48], negativeCropTopLeft=[4, 2], negativeTargetSize=[72, 40])),
        **call, original_size=(128, 80), crops_coords_top_left=(8, 16), target_size=(112, 64),
        negative_original_size=(32, 48), negative_crops_coords_top_left=(4, 2), negative_target_size=(72, 40))
    ended = record.latents("denoising-end", "base", base, made | dict(steps=5, denoisingEnd=0.6),
                           **(call | dict(num_inference_steps=5)), denoising_end=0.6)

    # Turbo: no guidance, its timesteps from the end of the schedule, noise at each step.
    ancestral = dict(**SCHEDULE, timestep_spacing="trailing")
    save_index("turbo", "StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)
    turbo = EulerAncestralDiscreteScheduler(**ancestral)
    turbo.save_pretrained(OUT / "turbo" / "scheduler")
    pipe = StableDiffusionXLPipeline(**both, unet=unet, scheduler=turbo, add_watermarker=False)
    alone = dict(seed=3, guidance=0, prompt=said["prompt"], **size)
    for steps in (1, 3):
        record.latents(f"turbo-{steps}", "turbo", pipe, alone | dict(steps=steps), prompt=texts["prompt"],
                       num_inference_steps=steps, guidance_scale=0.0, **size)

    # A UNet that is told the guidance scale.
    told = sdxl_unet(12, time_cond_proj_dim=10)
    told.save_pretrained(OUT / "told" / "unet")
    save_index("told", "StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)
    pipe = StableDiffusionXLPipeline(**both, unet=told, scheduler=euler, add_watermarker=False)
    record.latents("told", "told", pipe, alone | dict(steps=3, guidance=7.5), prompt=texts["prompt"],
                   num_inference_steps=3, guidance_scale=7.5, **size)

    pipe = StableDiffusionXLImg2ImgPipeline(**both, unet=unet, scheduler=turbo, add_watermarker=False)
    pictured = {k: v for k, v in alone.items() if k not in size} | dict(image="image")
    record.latents("turbo-image", "turbo", pipe, pictured | dict(steps=2, strength=0.5), prompt=texts["prompt"],
                   num_inference_steps=2, guidance_scale=0.0, image=init, strength=0.5)

    # LCM: told the scale, noise at each step, every so many of the 50 steps it was distilled from. Beside it the plain UNet
    # with that scheduler, as under an LCM-LoRA: a low scale of true guidance.
    consistency = LCMScheduler(**SCHEDULE, original_inference_steps=50, timestep_scaling=10.0)
    consistency.save_pretrained(OUT / "lcm" / "scheduler")
    save_index("lcm", "StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)
    pipe = StableDiffusionXLPipeline(**both, unet=told, scheduler=consistency, add_watermarker=False)
    for steps in (1, 4):
        record.latents(f"lcm-{steps}", "lcm", pipe, alone | dict(steps=steps, guidance=8), prompt=texts["prompt"],
                       num_inference_steps=steps, guidance_scale=8.0, **size)
    pipe = StableDiffusionXLImg2ImgPipeline(**both, unet=told, scheduler=consistency, add_watermarker=False)
    record.latents("lcm-image", "lcm", pipe, pictured | dict(steps=4, guidance=8, strength=0.5), prompt=texts["prompt"],
                   num_inference_steps=4, guidance_scale=8.0, image=init, strength=0.5)
    pipe = StableDiffusionXLPipeline(**both, unet=unet, scheduler=consistency, add_watermarker=False)
    record.latents("lcm-guided", "base", pipe, made | dict(steps=4, guidance=1.5, scheduler="lcm"),
                   **(call | dict(num_inference_steps=4, guidance_scale=1.5)))

    # Lightning: no guidance, timesteps from the end of the schedule; the one-step model predicts the picture itself.
    save_index("lightning", "StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)
    save_index("lightning-1", "StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)
    for model, steps, changes in (("lightning", 4, {}), ("lightning-1", 1, dict(prediction_type="sample"))):
        trailing = EulerDiscreteScheduler(**(ancestral | changes))
        trailing.save_pretrained(OUT / model / "scheduler")
        pipe = StableDiffusionXLPipeline(**both, unet=unet, scheduler=trailing, add_watermarker=False)
        record.latents(f"lightning-{steps}", model, pipe, alone | dict(steps=steps), prompt=texts["prompt"],
                       num_inference_steps=steps, guidance_scale=0.0, **size)

    # Image to image.
    pipe = StableDiffusionXLImg2ImgPipeline(**both, unet=unet, scheduler=euler, add_watermarker=False)
    plain = {k: v for k, v in call.items() if k not in size}
    record.latents("image-to-image", "base", pipe, made | dict(steps=5, image="image", strength=0.5),
                   **(plain | dict(num_inference_steps=5)), image=init, strength=0.5)

    # The refiner: the rest of the base's schedule, and as image to image.
    refiner_unet = sdxl_unet(
        13, block_out_channels=(8, 8, 12, 12), attention_head_dim=(1, 2, 3, 3), cross_attention_dim=20,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=1, projection_class_embeddings_input_dim=44)
    refiner_unet.save_pretrained(OUT / "refiner" / "unet")
    save_index("refiner", "StableDiffusionXLImg2ImgPipeline", force_zeros_for_empty_prompt=False,
               requires_aesthetics_score=True, text_encoder=[None, None], tokenizer=[None, None],
               text_encoder_2=["transformers", "CLIPTextModelWithProjection"])
    refiner = StableDiffusionXLImg2ImgPipeline(
        text_encoder=None, tokenizer=None, text_encoder_2=two, tokenizer_2=tokens["tokenizer_2"], vae=vae,
        unet=refiner_unet, scheduler=euler, requires_aesthetics_score=True, force_zeros_for_empty_prompt=False,
        add_watermarker=False)
    record.latents("refiner-rest", "refiner", refiner,
                   made | dict(steps=5, latents="denoising-end", denoisingStart=0.6,
                               conditioning=dict(aestheticScore=7, negativeAestheticScore=2)),
                   **(plain | dict(num_inference_steps=5)), image=ended, denoising_start=0.6, aesthetic_score=7.0,
                   negative_aesthetic_score=2.0)
    record.latents("refiner-image", "refiner", refiner, made | dict(steps=6, image="image", strength=0.4),
                   **(plain | dict(num_inference_steps=6)), image=init, strength=0.4)

    # Inpainting, by putting back and by a UNet that is shown the mask.
    pipe = StableDiffusionXLInpaintPipeline(**both, unet=unet, scheduler=euler, add_watermarker=False)
    given = dict(image="image", mask="mask")
    shown = dict(image=init, mask_image=init_mask)
    for name, strength in (("inpaint", 0.8), ("inpaint-whole", 1.0)):
        record.latents(name, "base", pipe, made | dict(steps=5, strength=strength, **given),
                       **(call | dict(num_inference_steps=5)), strength=strength, **shown)
    record.latents("inpaint-resized", "base", pipe, made | dict(steps=5, strength=0.8, image="other", mask="other_mask"),
                   **(call | dict(num_inference_steps=5)), strength=0.8, image=other, mask_image=other_mask)
    nine = sdxl_unet(14, in_channels=9)
    nine.save_pretrained(OUT / "inpaint" / "unet")
    save_index("inpaint", "StableDiffusionXLInpaintPipeline", force_zeros_for_empty_prompt=True)
    pipe = StableDiffusionXLInpaintPipeline(**both, unet=nine, scheduler=euler, add_watermarker=False)
    for name, strength in (("inpaint-9", 0.6), ("inpaint-9-whole", 1.0)):
        record.latents(name, "inpaint", pipe, made | dict(steps=5, strength=strength, **given),
                       **(call | dict(num_inference_steps=5)), strength=strength, **shown)

    # Stable Diffusion 1.x and 2.x.
    sd = dict(text_encoder=one, vae=vae, tokenizer=tokens["tokenizer"], safety_checker=None, feature_extractor=None,
              requires_safety_checker=False)
    unet_1 = sd_unet(15)
    unet_1.save_pretrained(OUT / "sd" / "unet")
    pndm = PNDMScheduler(**SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)
    pndm.save_pretrained(OUT / "sd" / "scheduler")
    save_index("sd", "StableDiffusionPipeline", safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"])
    pipe = StableDiffusionPipeline(**sd, unet=unet_1, scheduler=pndm)
    record.latents("sd", "sd", pipe, made, **call)
    record.latents("sd-clip-skip", "sd", pipe, made | dict(clipSkip=1), **call, clip_skip=1)
    pipe = StableDiffusionImg2ImgPipeline(**sd, unet=unet_1, scheduler=pndm)
    record.latents("sd-image-to-image", "sd", pipe, made | dict(steps=6, image="image", strength=0.7),
                   **(plain | dict(num_inference_steps=6)), image=init, strength=0.7)
    ddim = DDIMScheduler(**SCHEDULE, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    pipe = StableDiffusionInpaintPipeline(**sd, unet=unet_1, scheduler=ddim)
    record.latents("sd-inpaint", "sd", pipe, made | dict(steps=5, strength=0.8, scheduler="ddim", **given),
                   **(call | dict(num_inference_steps=5)), strength=0.8, **shown)
    sd_nine = sd_unet(16, in_channels=9)
    sd_nine.save_pretrained(OUT / "sd-inpaint" / "unet")
    save_index("sd-inpaint", "StableDiffusionInpaintPipeline")
    pipe = StableDiffusionInpaintPipeline(**sd, unet=sd_nine, scheduler=pndm)
    record.latents("sd-inpaint-9", "sd-inpaint", pipe, made | dict(steps=5, strength=1, **given),
                   **(call | dict(num_inference_steps=5)), strength=1.0, **shown)
    # LCM has a pipeline of its own here.
    sd_told = sd_unet(17, time_cond_proj_dim=10)
    sd_told.save_pretrained(OUT / "sd-lcm" / "unet")
    consistency.save_pretrained(OUT / "sd-lcm" / "scheduler")
    save_index("sd-lcm", "LatentConsistencyModelPipeline")
    pipe = LatentConsistencyModelPipeline(**sd, unet=sd_told, scheduler=consistency)
    record.latents("sd-lcm", "sd-lcm", pipe, {k: v for k, v in alone.items() if k != "guidance"},
                   prompt=texts["prompt"], **size)  # four steps and a scale of 8.5 are its defaults
    # 2.x: the model predicts velocity.
    velocity = DDIMScheduler(**SCHEDULE, clip_sample=False, set_alpha_to_one=False, steps_offset=1,
                             prediction_type="v_prediction")
    velocity.save_pretrained(OUT / "sd-velocity" / "scheduler")
    save_index("sd-velocity", "StableDiffusionPipeline")
    pipe = StableDiffusionPipeline(**sd, unet=unet_1, scheduler=velocity)
    record.latents("sd-velocity", "sd-velocity", pipe, made, **call)

    # What is done to pictures.
    for name, (width, height) in dict(smaller=(37, 20), larger=(150, 131)).items():
        resized = np.array(other.resize((width, height), resample=Image.Resampling.LANCZOS))
        record.tensors[f"resized.{name}"] = torch.from_numpy(resized)
    for radius in (1.5, 6):
        blurred = np.array(other_mask.filter(ImageFilter.GaussianBlur(radius)))
        record.tensors[f"blurred.{radius:g}"] = torch.from_numpy(blurred)
    save_file({k: v.clone().contiguous() for k, v in record.tensors.items()}, OUT / "goldens.safetensors",
              metadata={"runs": json.dumps(record.runs)})


if __name__ == "__main__":
    main()
