"""Writes the held-out prompts. python held_out.py --out ../../packages/demo-model/prompts-held-out.json"""

import argparse
import json

from scenes import captions

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    rows = [{"prompt": text, "attributes": asked} for text, asked in captions.held_out()]
    with open(parser.parse_args().out, "w") as file:
        file.write("[\n" + ",\n".join("  " + json.dumps(r) for r in rows) + "\n]\n")
