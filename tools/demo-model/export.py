"""Writes the trained parts as a diffusers folder in fp16.

python export.py --work ../../.training --model ../../packages/demo-model/model
"""

import argparse
import json
import os

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel

import prepare
from config import UNET, VAE

INDEX = {
    "_class_name": "StableDiffusionXLPipeline",
    "_diffusers_version": "0.39.0",
    "force_zeros_for_empty_prompt": True,
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def scheduler():
    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000,
        prediction_type="epsilon", timestep_spacing="leading", steps_offset=1, interpolation_type="linear",
    )


def tidy(folder):
    """Drops what names the machine, and ends each file with a newline."""
    for root, _, names in os.walk(folder):
        for name in names:
            if name == "config.json":
                path = os.path.join(root, name)
                with open(path) as file:
                    data = json.load(file)
                data.pop("_name_or_path", None)
                with open(path, "w") as file:
                    json.dump(data, file, indent=2)
                    file.write("\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--steps", type=int, default=25)
    p.add_argument("--guidance", type=float, default=4.0)
    p.add_argument("--scale", type=float, required=True, help="the autoencoder's scaling factor, as in training")
    p.add_argument("--raw", action="store_true", help="the last weights instead of their running average")
    args = p.parse_args()
    out = args.model
    vae = AutoencoderKL(**VAE, scaling_factor=args.scale)
    vae.load_state_dict(torch.load(f"{args.work}/autoencoder.pt", weights_only=False)["average"])
    vae.half().save_pretrained(f"{out}/vae")
    saved = torch.load(f"{args.work}/unet.pt", weights_only=False)
    unet = UNet2DConditionModel(**UNET)
    unet.load_state_dict(saved["model" if args.raw else "average"])
    unet.half().save_pretrained(f"{out}/unet")
    _, one, two = prepare.load_text(args.work, out)
    one.half().save_pretrained(f"{out}/text_encoder")
    two.half().save_pretrained(f"{out}/text_encoder_2")
    scheduler().save_pretrained(f"{out}/scheduler")
    with open(f"{out}/model_index.json", "w") as file:
        json.dump(INDEX, file, indent=2)
        file.write("\n")
    with open(f"{out}/pleinair.json", "w") as file:
        defaults = {"name": "pleinair-demo", "steps": args.steps, "guidance": args.guidance, "width": 128, "height": 128}
        # Its layers are small: SDXL's bound of 1e5 weights would leave most of them alone.
        json.dump({**defaults, "palettize": {"min_weights": 1000}}, file, indent=2)
        file.write("\n")
    tidy(out)
    total = sum(os.path.getsize(os.path.join(r, n)) for r, _, names in os.walk(out) for n in names)
    print(f"step {saved['step']}, {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
