"""Draws the training scenes into memory-mapped arrays.

python make_scenes.py --out ../../.training/scenes --count 48000
"""

import argparse
import json
import multiprocessing
import os
import random

import numpy as np
from PIL import Image

from scenes import attributes, draw

SIZE = 128


def conditioned(scene, seed, rng):
    """A picture with SDXL's size and crop numbers: original h, w, crop top, left."""
    kind = rng.random()
    if kind < 0.84:
        return draw.render(scene, seed, SIZE), (SIZE, SIZE, 0, 0)
    if kind < 0.92:  # a window of a larger drawing
        size = rng.randrange(136, 193, 8)
        top, left = rng.randrange(0, size - SIZE + 1), rng.randrange(0, size - SIZE + 1)
        box = (left, top, left + SIZE, top + SIZE)
        return draw.render(scene, seed, size).crop(box), (size, size, top, left)
    size = rng.randrange(32, 97, 8)  # enlarged from a small drawing, thus soft
    picture = draw.render(scene, seed, SIZE).resize((size, size), Image.BOX)
    return picture.resize((SIZE, SIZE), Image.BICUBIC), (size, size, 0, 0)


def work(job):
    out, start, stop, plain = job
    pictures = np.lib.format.open_memmap(f"{out}/pictures.npy", mode="r+")
    labels = np.lib.format.open_memmap(f"{out}/labels.npy", mode="r+")
    sizes = np.lib.format.open_memmap(f"{out}/sizes.npy", mode="r+")
    for i in range(start, stop):
        rng = random.Random(f"scene {plain} {i}")
        scene = attributes.sample(rng)
        if plain:
            picture, size = draw.render(scene, rng.random(), SIZE), (SIZE, SIZE, 0, 0)
        else:
            picture, size = conditioned(scene, rng.random(), rng)
        pictures[i] = np.asarray(picture)
        labels[i] = attributes.labels(scene)
        sizes[i] = size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=48000)
    parser.add_argument("--plain", default="", help="a name: whole pictures only, drawn from other seeds (for tests)")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    n = args.count
    np.lib.format.open_memmap(f"{args.out}/pictures.npy", "w+", np.uint8, (n, SIZE, SIZE, 3))
    np.lib.format.open_memmap(f"{args.out}/labels.npy", "w+", np.int8, (n, 5))
    np.lib.format.open_memmap(f"{args.out}/sizes.npy", "w+", np.int16, (n, 4))
    jobs = [(args.out, i, min(n, i + 1000), args.plain) for i in range(0, n, 1000)]
    with multiprocessing.Pool(2) as pool:
        for _ in pool.imap_unordered(work, jobs):
            pass
    with open(f"{args.out}/values.json", "w") as file:
        json.dump(attributes.VALUES, file)


if __name__ == "__main__":
    main()
