"""Trains the attribute checker: a small convolutional classifier run in TypeScript.

python train_checker.py --work ../../.training --out ../../packages/demo-model/src/checker-weights.ts
"""

import argparse
import base64
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import prepare
from scenes import attributes

COUNTS = [len(v) for v in attributes.VALUES.values()]


class Checker(nn.Module):
    """64×64 RGB in 0..1; four convolutions; maxima and means of both halves; two linear layers."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(3, 16, 3, 2, 1)
        self.c2 = nn.Conv2d(16, 24, 3, 2, 1)
        self.c3 = nn.Conv2d(24, 32, 3, 1, 1)
        self.c4 = nn.Conv2d(32, 48, 3, 2, 1)
        self.l1 = nn.Linear(48 * 4, 64)
        self.l2 = nn.Linear(64, sum(COUNTS))

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(self.c2(x))
        x = F.relu(self.c3(x))
        x = F.relu(self.c4(x))
        halves = [x[:, :, :4], x[:, :, 4:]]
        parts = [h.amax((2, 3)) for h in halves] + [h.mean((2, 3)) for h in halves]
        return self.l2(F.relu(self.l1(torch.cat(parts, 1))))


def small(pictures):
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255)
    return F.avg_pool2d(x, 2)


def jitter(x):
    """Softness, grain and exposure, as a painter's pictures show them."""
    n = x.size(0)
    weak = torch.rand(n, 1, 1, 1)
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = torch.lerp(x, soft, weak * (torch.rand(n, 1, 1, 1) < 0.5))
    x = x * (0.92 + 0.16 * torch.rand(n, 3, 1, 1)) + 0.06 * (torch.rand(n, 1, 1, 1) - 0.5)
    return (x + 0.03 * torch.rand(n, 1, 1, 1) * torch.randn_like(x)).clamp(0, 1)


def loss_of(scores, labels):
    parts = scores.split(COUNTS, 1)
    return sum(F.cross_entropy(s, labels[:, i], ignore_index=-1, label_smoothing=0.02) for i, s in enumerate(parts))


def right(model, x, labels):
    found = []
    for i in range(0, len(x), 500):
        parts = model(x[i:i + 500]).split(COUNTS, 1)
        y = labels[i:i + 500]
        found.append(torch.stack([(p.argmax(1) == y[:, k]) | (y[:, k] < 0) for k, p in enumerate(parts)], 1))
    found = torch.cat(found)
    return found.all(1).float().mean().item(), found.float().mean(0).tolist()


@torch.no_grad()
def reconstructed(work, pictures):
    vae = prepare.load_vae(work)
    out = []
    for i in range(0, len(pictures), 50):
        x = torch.from_numpy(pictures[i:i + 50]).permute(0, 3, 1, 2).float().div(127.5).sub(1)
        with torch.autocast("cpu", torch.bfloat16):
            mean = vae.encode(x.contiguous(memory_format=torch.channels_last)).latent_dist.mean
            y = vae.decode(mean + 0.15 * torch.randn_like(mean)).sample
        out.append(F.avg_pool2d((y.float() + 1).div(2).clamp(0, 1), 2))
    return torch.cat(out)


def write(model, path):
    values = torch.cat([p.detach().flatten() for p in model.parameters()]).numpy().astype("<f2")
    text = base64.b64encode(values.tobytes()).decode()
    with open(path, "w") as file:
        file.write("// Written by tools/demo-model/train_checker.py: fp16 weights, base64, in the order of the layers.\n")
        file.write(f"export const checkerWeights =\n  '{text}';\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--count", type=int, default=12000)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--reconstructions", type=int, default=300)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(5)
    pictures = np.load(f"{args.work}/scenes/pictures.npy", mmap_mode="r")
    sizes = np.load(f"{args.work}/scenes/sizes.npy")
    labels = torch.from_numpy(np.load(f"{args.work}/scenes/labels.npy").astype(np.int64))
    # Crops may have lost their object: whole drawings only, soft ones included.
    usable = np.flatnonzero((sizes[:, 0] <= 128) & (sizes[:, 0] >= 64))
    test, train = usable[:2000], usable[2000: 2000 + args.count]
    x_test, y_test = small(pictures[test]), labels[test]
    x, y = torch.cat([small(pictures[train[i:i + 500]]) for i in range(0, len(train), 500)]), labels[train]
    print("drawn", flush=True)
    if args.reconstructions:
        rows = train[: args.reconstructions]
        x = torch.cat([x, reconstructed(args.work, pictures[rows])])
        y = torch.cat([y, labels[rows]])
    model = Checker()
    opt = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, args.steps, pct_start=0.1)
    print("data ready", flush=True)
    start = time.time()
    for step in range(args.steps):
        rows = torch.randint(len(x), (args.batch,))
        loss = loss_of(model(jitter(x[rows])), y[rows])
        loss.backward()
        opt.step()
        schedule.step()
        opt.zero_grad(set_to_none=True)
        if step % 250 == 249:
            with torch.no_grad():
                every, each = right(model, x_test, y_test)
            print(f"{step + 1} {time.time() - start:.0f}s loss {loss:.3f} all right {every:.4f} {[round(e, 4) for e in each]}", flush=True)
    torch.save(model.state_dict(), f"{args.work}/checker.pt")
    write(model, args.out)


if __name__ == "__main__":
    main()
