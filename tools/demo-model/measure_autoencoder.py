"""Peak signal to noise of the exported autoencoder (fp16 weights) on fresh drawings.

python measure_autoencoder.py --model ../../packages/demo-model/model
"""

import argparse
import random

import numpy as np
import torch
from diffusers import AutoencoderKL

from scenes import attributes, draw

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--count", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    vae = AutoencoderKL.from_pretrained(args.model, subfolder="vae", torch_dtype=torch.float32)
    rng = random.Random("autoencoder")
    pictures = [draw.render(attributes.sample(rng), rng.random()) for _ in range(args.count)]
    errors = []
    with torch.no_grad():
        for picture in pictures:
            x = torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
            y = vae.decode(vae.encode(x).latent_dist.mean).sample.clamp(-1, 1)
            errors.append((y - x).square().mean().item())
    each = 10 * np.log10(4 / np.array(errors))
    print(f"{10 * np.log10(4 / np.mean(errors)):.2f} dB over all, {each.mean():.2f} dB a picture, worst {each.min():.2f}")
