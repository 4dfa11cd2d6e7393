"""Writes prompts to calibrate palettes with: python calibration_prompts.py --out ../../packages/demo-model/prompts-calibration.json

Captions as the model was trained on: none asks for the same set of attributes as a held-out prompt, or as another of them.
"""

import argparse
import json
import random

from scenes import attributes, captions


def prompts(count=32, seed=2027):
    rng = random.Random(seed)
    kept = {captions.key(asked) for _, asked in captions.held_out()}
    found = []
    while len(found) < count:
        text, asked = captions.training(attributes.sample(rng), rng, kept)
        kept.add(captions.key(asked))
        found.append(text)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    with open(parser.parse_args().out, "w") as file:
        file.write("[\n" + ",\n".join("  " + json.dumps(text) for text in prompts()) + "\n]\n")
