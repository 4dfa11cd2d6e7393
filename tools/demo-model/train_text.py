"""Teaches the text encoders to tell a caption's attributes, everywhere the UNet reads.

python train_text.py --work ../../.training --model ../../packages/demo-model/model
"""

import argparse
import random
import time

import torch
import torch.nn.functional as F

import text_encoders
from scenes import attributes, captions

KEYS = list(attributes.VALUES)


def batch(rng, count, kept, tokenizers):
    texts, targets = [], []
    for _ in range(count):
        text, asked = captions.training(attributes.sample(rng), rng, kept)
        texts.append(text)
        targets.append([attributes.VALUES[k].index(asked[k]) if k in asked else len(attributes.VALUES[k]) for k in KEYS])
    return [text_encoders.ids(t, texts) for t in tokenizers], torch.tensor(targets)


def losses(head, states, targets):
    scores = head(states).split([len(attributes.VALUES[k]) + 1 for k in KEYS], -1)
    loss = sum(F.cross_entropy(s, targets[:, i]) for i, s in enumerate(scores))
    right = torch.stack([s.argmax(-1) == targets[:, i] for i, s in enumerate(scores)]).all(0).float().mean()
    return loss, right


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--steps", type=int, default=500)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    rng = random.Random(1)
    kept = {captions.key(asked) for _, asked in captions.held_out()}
    tokenizers = text_encoders.tokenizers(args.model)
    one, two = text_encoders.build(len(tokenizers[0]))
    end = len(tokenizers[0]) - 1
    classes = sum(len(attributes.VALUES[k]) + 1 for k in KEYS)
    heads = torch.nn.ModuleList([torch.nn.Linear(n, classes) for n in (96, 64, 96)])
    params = [q for m in (one, two, heads) for q in m.parameters()]
    opt = torch.optim.AdamW(params, 2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    start = time.time()
    for step in range(args.steps):
        (ids_1, ids_2), targets = batch(rng, args.batch, kept, tokenizers)
        factor = min(1, (step + 1) / 100) * (1 - step / args.steps)
        for g in opt.param_groups:
            g["lr"] = 2e-3 * max(factor, 0.01)
        context, pooled = text_encoders.encode(one, two, ids_1, ids_2)
        rows = torch.arange(args.batch)
        ends = ids_2.argmax(-1)
        assert (ids_2[rows, ends] == end).all()
        loss, right = losses(heads[0], pooled, targets)
        for where in (ends, ends + (torch.rand(args.batch) * (77 - ends)).long()):
            a, right_1 = losses(heads[1], context[rows, where, :64], targets)
            b, right_2 = losses(heads[2], context[rows, where, 64:], targets)
            loss = loss + 0.5 * (a + b)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        if step % 50 == 49:
            print(f"{step + 1} {time.time() - start:.0f}s loss {loss:.3f} right {right:.3f} {right_1:.3f} {right_2:.3f} std {context.std():.2f} {pooled.std():.2f}", flush=True)
    torch.save(dict(one=one.state_dict(), two=two.state_dict()), f"{args.work}/text.pt")


if __name__ == "__main__":
    main()
