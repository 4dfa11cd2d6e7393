"""A byte-pair vocabulary in CLIP's file form, trained on the captions.

python tokenizer.py --out ../../packages/demo-model/model
"""

import argparse
import collections
import json
import os
import random
import re

from transformers.models.clip.tokenization_clip import bytes_to_unicode

from scenes import attributes, captions

START, END = "<|startoftext|>", "<|endoftext|>"


def words(count=20000, seed=3):
    rng = random.Random(seed)
    found = collections.Counter()
    for _ in range(count):
        scene = attributes.sample(rng)
        found.update(re.findall(r"[a-z]+|[^\sa-z]+", captions.caption(captions.choose(scene, rng), rng)))
    return found


def train(counts, limit=1000):
    """Merges by frequency until every word of the captions is one token."""
    pieces = {w: tuple(w[:-1]) + (w[-1] + "</w>",) for w in counts}
    merges = []
    while len(merges) < limit:
        pairs = collections.Counter()
        for word, parts in pieces.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for word, parts in pieces.items():
            out, i = [], 0
            while i < len(parts):
                if parts[i:i + 2] == best:
                    out.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    out.append(parts[i])
                    i += 1
            pieces[word] = tuple(out)
    return merges


def write(folder, vocabulary, merges, pad):
    os.makedirs(folder, exist_ok=True)
    special = lambda text: {"content": text, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    with open(f"{folder}/vocab.json", "w") as file:
        json.dump(vocabulary, file, ensure_ascii=False)
    with open(f"{folder}/merges.txt", "w") as file:
        file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    tokens = {"bos_token": special(START), "eos_token": special(END), "pad_token": pad, "unk_token": special(END)}
    with open(f"{folder}/special_tokens_map.json", "w") as file:
        json.dump(tokens, file, indent=2)
    config = {
        "add_prefix_space": False, **tokens, "clean_up_tokenization_spaces": True, "do_lower_case": True,
        "errors": "replace", "model_max_length": 77, "tokenizer_class": "CLIPTokenizer",
    }
    with open(f"{folder}/tokenizer_config.json", "w") as file:
        json.dump(config, file, indent=2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    counts = words()
    merges = train(counts)
    symbols = list(bytes_to_unicode().values())
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + [START, END]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    assert vocabulary["!"] == 0 and vocabulary[END] == len(vocabulary) - 1
    write(f"{args.out}/tokenizer", vocabulary, merges, END)
    write(f"{args.out}/tokenizer_2", vocabulary, merges, "!")
    print(len(counts), "words,", len(merges), "merges,", len(vocabulary), "tokens")


if __name__ == "__main__":
    main()
