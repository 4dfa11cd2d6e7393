"""Paints prompts through diffusers on the CPU, from the exported folder.

python generate.py --model ../../packages/demo-model/model --prompts ../../packages/demo-model/prompts-held-out.json --out /tmp/pictures
"""

import argparse
import json
import os

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from scenes.draw import sheet


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True)
    p.add_argument("--prompts", help="a JSON list of {prompt, attributes}")
    p.add_argument("--prompt", action="append", default=[])
    p.add_argument("--out", required=True)
    p.add_argument("--count", type=int)
    p.add_argument("--steps", type=int)
    p.add_argument("--guidance", type=float)
    p.add_argument("--seed", type=int, default=0, help="picture i has seed + i")
    p.add_argument("--batch", type=int, default=20)
    p.add_argument("--columns", type=int, default=10)
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    with open(f"{args.model}/pleinair.json") as file:
        default = json.load(file)
    rows = [{"prompt": t, "attributes": {}} for t in args.prompt]
    if args.prompts:
        with open(args.prompts) as file:
            rows += json.load(file)[: args.count]
    pipe = StableDiffusionXLPipeline.from_pretrained(args.model, torch_dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    pictures = []
    with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
        for i in range(0, len(rows), args.batch):
            batch = rows[i:i + args.batch]
            seeds = [torch.Generator().manual_seed(args.seed + i + j) for j in range(len(batch))]
            pictures += pipe(
                [r["prompt"] for r in batch], num_inference_steps=args.steps or default["steps"],
                guidance_scale=args.guidance or default["guidance"], generator=seeds, height=128, width=128,
            ).images
    rgba = np.stack([np.asarray(q.convert("RGBA")) for q in pictures])
    rgba.tofile(f"{args.out}/pictures.rgba")
    with open(f"{args.out}/prompts.json", "w") as file:
        json.dump(rows, file)
    sheet(pictures, args.columns).save(f"{args.out}/sheet.png")


if __name__ == "__main__":
    main()
