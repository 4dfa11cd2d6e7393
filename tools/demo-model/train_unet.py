"""Trains the UNet on cached latents and contexts; resumes from its checkpoint.

python train_unet.py --work ../../.training --minutes 90
python train_unet.py --work ../../.training --minutes 60 --init ../../packages/demo-model/model
"""

import argparse
import os
import time

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor

from config import UNET
from muon import optimisers


class Pass(torch.nn.Module):
    """Noising, prediction and the min-SNR weighted error in one compiled graph."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet
        betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2
        kept = torch.cumprod(1 - betas, 0)
        self.register_buffer("signal", kept.sqrt().float(), persistent=False)
        self.register_buffer("noise_level", (1 - kept).sqrt().float(), persistent=False)

    def forward(self, z, noise, t, context, pooled, sizes):
        a = self.signal[t][:, None, None, None]
        b = self.noise_level[t][:, None, None, None]
        x = (a * z + b * noise).contiguous(memory_format=torch.channels_last)
        guess = self.unet(x, t, context, added_cond_kwargs=dict(text_embeds=pooled, time_ids=sizes)).sample.float()
        snr = (a / b).square().flatten()
        weight = snr.clamp(max=5) / snr
        error = (guess - noise).square().mean((1, 2, 3))
        return (weight * error).mean(), error.mean()


class Data:
    def __init__(self, work, scale):
        self.work, self.scale = work, scale
        self.latents = np.load(f"{work}/latents.npy", mmap_mode="r")
        self.z = torch.empty(0)
        saved = torch.load(f"{work}/contexts.pt", mmap=True)
        self.context, self.pooled = saved["context"], saved["pooled"]
        self.scenes = saved["scenes"]
        sizes = torch.from_numpy(np.load(f"{work}/scenes/sizes.npy")).float()
        self.sizes = torch.cat([sizes, torch.full((len(sizes), 2), 128.0)], 1)
        self.rows = torch.empty(0, dtype=torch.long)

    def load(self):
        """Takes in the latents that prepare.py has added since."""
        with open(f"{self.work}/latents.done") as file:
            done = min(int(file.read()), self.scenes)
        if done > len(self.z):
            self.z = torch.from_numpy(self.latents[:done] * self.scale)
            print("scenes", done, flush=True)

    def batch(self, count):
        if len(self.rows) < count:
            self.load()
            self.rows = torch.randperm(len(self.z))
        rows, self.rows = self.rows[:count], self.rows[count:]
        text = rows + self.scenes * torch.randint(len(self.context) // self.scenes, (count,))
        keep = (torch.rand(count) >= 0.1).float()
        # Spread the timesteps evenly over the batch.
        t = ((torch.randperm(count) + torch.rand(count)) / count * 1000).long().clamp(0, 999)
        context = self.context[text] * keep[:, None, None].bfloat16()
        return self.z[rows], torch.randn(count, 4, 16, 16), t, context, self.pooled[text] * keep[:, None], self.sizes[rows]


def matrix(name, p):
    ends = ("conv_in", "conv_out", "time_embedding.linear_1", "add_embedding.linear_1")
    return p.ndim >= 2 and not name.startswith(ends)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--minutes", type=float, default=90)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--adam-lr", type=float, default=1.5e-3)
    p.add_argument("--decay-from", type=float, default=0.5)
    p.add_argument("--init", help="start from an exported folder")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--scale", type=float, required=True, help="the autoencoder's scaling factor")
    args = p.parse_args()
    torch.set_num_threads(2)
    path = f"{args.work}/unet.pt"
    saved = torch.load(path, weights_only=False) if os.path.exists(path) else None
    if args.init and not saved:
        unet = UNet2DConditionModel.from_pretrained(args.init, subfolder="unet", torch_dtype=torch.float32)
    else:
        unet = UNet2DConditionModel(**UNET)
    unet = unet.to(memory_format=torch.channels_last)
    unet.set_attn_processor(AttnProcessor())  # for so few tokens, plain products are faster on a CPU
    opts = optimisers(unet.named_parameters(), args.lr, args.adam_lr, matrix)
    step = 0
    if saved:
        unet.load_state_dict(saved["model"])
        for o, s in zip(opts, saved["optimisers"]):
            o.load_state_dict(s)
        step = saved["step"]
        print("resumed at", step, flush=True)
    average = saved["average"] if saved else {k: v.clone() for k, v in unet.state_dict().items()}
    torch.manual_seed(args.seed + step)
    data = Data(args.work, args.scale)
    run = torch.compile(Pass(unet), dynamic=False)
    rates = [args.lr, args.adam_lr][-len(opts):]
    start = saved_at = time.time()
    first, seen = step, []

    def save():
        state = dict(model=unet.state_dict(), average=average, step=step, optimisers=[o.state_dict() for o in opts])
        torch.save(state, path + ".new")
        os.replace(path + ".new", path)

    while (share := (time.time() - start) / (args.minutes * 60)) < 1:
        factor = min(1, (step - first + 1) / 100, (1 - share) / (1 - args.decay_from))
        for o, r in zip(opts, rates):
            for g in o.param_groups:
                g["lr"] = r * max(factor, 0.01)
        with torch.autocast("cpu", torch.bfloat16):
            loss, error = run(*data.batch(args.batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        for o in opts:
            o.step()
            o.zero_grad(set_to_none=True)
        step += 1
        decay = min(0.998, step / (step + 20))
        with torch.no_grad():
            state = unet.state_dict()
            torch._foreach_lerp_(list(average.values()), [state[k] for k in average], 1 - decay)
        seen.append((loss.item(), error.item()))
        if step % 20 == 0:
            a, b = np.mean(seen[-20:], 0)
            print(f"{step} {time.time() - start:.0f}s loss {a:.4f} error {b:.4f} lr {factor:.2f}", flush=True)
        if time.time() - saved_at > 240:
            save()
            saved_at = time.time()
    save()


if __name__ == "__main__":
    main()
