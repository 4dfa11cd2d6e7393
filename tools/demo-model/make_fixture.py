"""The checker's test scenes: drawn from seeds of their own, deflated RGB and labels.

python make_fixture.py --out ../../packages/demo-model/test/fixtures
"""

import argparse
import json
import os
import random
import zlib

import numpy as np

from scenes import attributes, draw

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", default="fixture")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    rng = random.Random(args.seed)
    scenes = [attributes.sample(rng) for _ in range(args.count)]
    pixels = np.stack([np.asarray(draw.render(s, rng.random())) for s in scenes])
    with open(f"{args.out}/scenes.rgb.zz", "wb") as file:
        file.write(zlib.compress(pixels.tobytes(), 9))
    with open(f"{args.out}/scenes.json", "w") as file:
        file.write("[\n" + ",\n".join("  " + json.dumps(s) for s in scenes) + "\n]\n")
