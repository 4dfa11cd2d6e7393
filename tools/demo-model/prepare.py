"""Caches what the UNet trains on: latents of the scenes, and their captions' contexts.

python prepare.py --work ../../.training --model ../../packages/demo-model/model
"""

import argparse
import os
import random
import time

import numpy as np
import torch
from diffusers import AutoencoderKL

import text_encoders
from config import VAE
from scenes import attributes, captions


def load_vae(work):
    vae = AutoencoderKL(**VAE)
    vae.load_state_dict(torch.load(f"{work}/autoencoder.pt", weights_only=False)["average"])
    return vae.eval().to(memory_format=torch.channels_last)


def load_text(work, model):
    tokenizers = text_encoders.tokenizers(model)
    one, two = text_encoders.build(len(tokenizers[0]))
    saved = torch.load(f"{work}/text.pt", weights_only=False)
    one.load_state_dict(saved["one"])
    two.load_state_dict(saved["two"])
    return tokenizers, one.eval(), two.eval()


def latents(work, count):
    """Writes latents.npy a thousand at a time, so that training can begin on the first; resumes."""
    pictures = np.load(f"{work}/scenes/pictures.npy", mmap_mode="r")
    path, done_path = f"{work}/latents.npy", f"{work}/latents.done"
    done = int(open(done_path).read()) if os.path.exists(done_path) else 0
    shape = (len(pictures), 4, 16, 16)
    out = np.lib.format.open_memmap(path, "r+" if done else "w+", np.float32, None if done else shape)
    vae = load_vae(work)
    encoder = torch.compile(lambda x: vae.quant_conv(vae.encoder(x)), dynamic=False)
    for i in range(done, count, 50):
        x = torch.tensor(pictures[i:i + 50]).permute(0, 3, 1, 2).float().div(127.5).sub(1)
        with torch.autocast("cpu", torch.bfloat16):
            out[i:i + 50] = encoder(x.contiguous(memory_format=torch.channels_last)).float()[:, :4].numpy()
        if (i + 50) % 500 == 0:
            out.flush()
            with open(done_path, "w") as file:
                file.write(str(i + 50))
            z = torch.tensor(out[: i + 50])
            print("latents", i + 50, "scaling factor", 1 / z.std().item(), "channels", z.std((0, 2, 3)).tolist(), flush=True)


def contexts(work, model, count, each):
    labels = np.load(f"{work}/scenes/labels.npy")[:count]
    values = attributes.VALUES
    kept = {captions.key(asked) for _, asked in captions.held_out()}
    tokenizers, one, two = load_text(work, model)
    rng = random.Random(7)
    texts = []
    for _ in range(each):
        for row in labels:
            scene = {k: values[k][v] if v >= 0 else None for k, v in zip(values, row)}
            texts.append(captions.training(scene, rng, kept)[0])
    context = torch.empty(len(texts), 77, 160, dtype=torch.bfloat16)
    pooled = torch.empty(len(texts), 96)
    start = time.time()
    for i in range(0, len(texts), 200):
        batch = texts[i:i + 200]
        with torch.autocast("cpu", torch.bfloat16):
            c, p = text_encoders.encode(one, two, *[text_encoders.ids(t, batch) for t in tokenizers])
        context[i:i + 200], pooled[i:i + 200] = c, p
        if i % 20000 == 0:
            print("contexts", i, f"{time.time() - start:.0f}s", flush=True)
    return context, pooled


@torch.no_grad()
def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--count", type=int, default=40000)
    p.add_argument("--captions", type=int, default=2)
    p.add_argument("--only", choices=["latents", "contexts"])
    p.add_argument("--threads", type=int, default=2)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    if args.only != "latents":
        context, pooled = contexts(args.work, args.model, args.count, args.captions)
        torch.save(dict(context=context, pooled=pooled, scenes=args.count), f"{args.work}/contexts.pt")
    if args.only != "contexts":
        latents(args.work, args.count)


if __name__ == "__main__":
    main()
