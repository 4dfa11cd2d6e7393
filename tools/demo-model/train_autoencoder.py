"""Trains the f=8 autoencoder; resumes from its checkpoint.

python train_autoencoder.py --work ../../.training --minutes 30
"""

import argparse
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from config import VAE
from muon import optimisers


def load_batch(pictures, rng, batch, crop):
    rows = []
    for _ in range(batch):
        i = rng.randrange(len(pictures))
        y, x = rng.randrange(0, 128 - crop + 1), rng.randrange(0, 128 - crop + 1)
        picture = pictures[i, y:y + crop, x:x + crop]
        rows.append(picture[:, ::-1] if rng.random() < 0.5 else picture)
    x = torch.from_numpy(np.stack(rows)).float().div_(127.5).sub_(1)
    return x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


class Pass(torch.nn.Module):
    """Encoding, sampling, decoding and the losses in one compiled graph."""

    def __init__(self, vae, kl):
        super().__init__()
        self.vae, self.kl = vae, kl

    def forward(self, x, noise):
        moments = self.vae.quant_conv(self.vae.encoder(x)).float()
        mean, logvar = moments.chunk(2, 1)
        logvar = logvar.clamp(-20, 10)
        z = mean + noise * torch.exp(0.5 * logvar)
        y = self.vae.decoder(self.vae.post_quant_conv(z)).float()
        error = y - x
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        mse = error.square().mean()
        # One scaling factor must serve all four channels: keep their deviations near 1.
        spread = 0.5 * torch.log(mean.var((0, 2, 3)) + 1e-6)
        loss = error.abs().mean() + 2 * mse + 0.5 * edges + self.kl * kl + 0.02 * spread.square().mean()
        return loss, mse, kl, mean


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--crop", type=int, default=64)
    p.add_argument("--lr", type=float, default=0.02)
    p.add_argument("--adam-lr", type=float, default=2e-3)
    p.add_argument("--adam", action="store_true")
    p.add_argument("--kl", type=float, default=1e-3)
    p.add_argument("--whole-from", type=float, default=0.7, help="share of the time after which whole pictures are used")
    p.add_argument("--decoder-only", action="store_true")
    p.add_argument("--name", default="autoencoder")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--no-compile", action="store_true")
    args = p.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    pictures = np.load(f"{args.work}/scenes/pictures.npy", mmap_mode="r")
    vae = AutoencoderKL(**VAE).to(memory_format=torch.channels_last)
    path = f"{args.work}/{args.name}.pt"
    step = 0
    average = None
    if os.path.exists(path):
        saved = torch.load(path, weights_only=False)
        vae.load_state_dict(saved["model"])
        average, step = saved["average"], saved["step"]
        print("resumed at", step, flush=True)
    if average is None:
        average = {k: v.clone() for k, v in vae.state_dict().items()}
    if args.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    ends = ("conv_in", "encoder.conv_out", "decoder.conv_out", "quant_conv")
    opts = optimisers(
        vae.named_parameters(), args.lr, args.adam_lr,
        lambda n, q: not args.adam and q.ndim >= 2 and not any(e in n for e in ends),
    )
    model = Pass(vae, args.kl)
    run = model if args.no_compile else torch.compile(model, dynamic=False)
    start, seen = time.time(), []
    rates = [[g["lr"] for g in o.param_groups] for o in opts]
    saved_at, first = start, step
    while (share := (time.time() - start) / (args.minutes * 60)) < 1:
        whole = share > args.whole_from
        x = load_batch(pictures, rng, max(2, args.batch * args.crop ** 2 // 128 ** 2) if whole else args.batch, 128 if whole else args.crop)
        noise = torch.randn(x.size(0), 4, x.size(2) // 8, x.size(3) // 8)
        factor = min(1, (step - first + 1) / 100) * (1 - share) ** 1.0
        for o, r in zip(opts, rates):
            for g, lr in zip(o.param_groups, r):
                g["lr"] = lr * max(factor, 0.01)
        with torch.autocast("cpu", torch.bfloat16):
            loss, mse, kl, mean = run(x, noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        for o in opts:
            o.step()
            o.zero_grad(set_to_none=True)
        step += 1
        decay = min(0.998, step / (step + 10))
        with torch.no_grad():
            state = vae.state_dict()
            torch._foreach_lerp_(list(average.values()), [state[k] for k in average], 1 - decay)
        seen.append((mse.item(), kl.item()))
        if step % 100 == 0:
            m, k = np.mean(seen[-100:], 0)
            std = mean.std((0, 2, 3)).tolist()
            print(f"{step} {time.time() - start:.0f}s psnr {10 * np.log10(4 / m):.2f} kl {k:.3f} std {[round(s, 2) for s in std]}", flush=True)
        if time.time() - saved_at > 240:
            torch.save(dict(model=vae.state_dict(), average=average, step=step), path)
            saved_at = time.time()
    torch.save(dict(model=vae.state_dict(), average=average, step=step), path)


if __name__ == "__main__":
    main()
