"""Token ids of 2,000 strings by transformers' CLIPTokenizerFast, for packages/text.

    python tools/reference/tokenizer.py                 # the real CLIP vocabulary, SDXL's two forms of it
    python tools/reference/tokenizer.py --compare       # where the slow tokenizers differ, for docs/decisions
    python tools/reference/tokenizer.py --fuzz FILE     # as many again with another seed, to try once

The vocabulary is OpenAI's (MIT), as the package open_clip_torch carries it. The demo model's tokenizer is read from
packages/demo-model/model; run this again when that changes.
"""
import argparse
import gzip
import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
from pathlib import Path

from tokenizer_strings import strings

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "packages" / "text" / "test" / "fixtures"
DEMO = ROOT / "packages" / "demo-model" / "model"
BOS, EOS = "<|startoftext|>", "<|endoftext|>"


def token(content, normalized, **more):
    return dict(content=content, lstrip=False, normalized=normalized, rstrip=False, single_word=False, **more)


def sdxl_configs():
    """tokenizer_config.json and special_tokens_map.json in the two forms the official SDXL folders have them."""
    wrapped = lambda content: {"__type": "AddedToken", **token(content, True)}
    first = (
        dict(add_prefix_space=False, bos_token=wrapped(BOS), eos_token=wrapped(EOS), unk_token=wrapped(EOS), pad_token=EOS,
             errors="replace", do_lower_case=True, model_max_length=77, tokenizer_class="CLIPTokenizer"),
        dict(bos_token=token(BOS, True), eos_token=token(EOS, True), unk_token=token(EOS, True), pad_token=EOS),
    )
    second = (
        dict(add_prefix_space=False, bos_token=BOS, eos_token=EOS, unk_token=EOS, pad_token="!", errors="replace",
             do_lower_case=True, model_max_length=77, tokenizer_class="CLIPTokenizer",
             added_tokens_decoder={"0": token("!", False, special=True), "49406": token(BOS, True, special=True),
                                   "49407": token(EOS, False, special=True)}),
        dict(bos_token=token(BOS, True), eos_token=token(EOS, False), unk_token=token(EOS, False), pad_token="!"),
    )
    return {"tokenizer": first, "tokenizer_2": second}


def clip_merges():
    import open_clip
    packed = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    # The file has more merges than the vocabulary was made from (OpenAI's simple_tokenizer.py).
    return gzip.open(packed).read().decode().split("\n")[1 : 49152 - 256 - 2 + 1]


def clip_vocabulary(merges):
    from transformers.models.clip.tokenization_clip import bytes_to_unicode
    symbols = list(bytes_to_unicode().values())
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m.split()) for m in merges] + [BOS, EOS]
    return {t: i for i, t in enumerate(tokens)}


def write_folder(folder, merges, config, special_map):
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(clip_vocabulary(merges), ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps(special_map))


def write_gz(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(data)
    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {path.stat().st_size} bytes")


def spans(text, encoding):
    """Offsets in UTF-16 units, as JavaScript counts them."""
    units = [0]
    for char in text:
        units.append(units[-1] + (2 if ord(char) > 0xFFFF else 1))
    return [[units[a], units[b]] for a, b in encoding.offsets]


def goldens(texts, folders):
    from transformers import CLIPTokenizerFast
    versions = {name: importlib.metadata.version(name) for name in ("transformers", "tokenizers")}
    out = {"source": {"script": "tools/reference/tokenizer.py", **versions}, "texts": texts, "tokenizers": {}}
    for name, folder in folders.items():
        fast = CLIPTokenizerFast.from_pretrained(folder)
        ids = [fast(text)["input_ids"] for text in texts]
        padded = [fast(text, padding="max_length", max_length=77, truncation=True)["input_ids"] for text in texts[:100]]
        fast.backend_tokenizer.no_padding()
        fast.backend_tokenizer.no_truncation()
        encodings = [fast.backend_tokenizer.encode(text, add_special_tokens=False) for text in texts[:400]]
        whole = json.loads(fast.backend_tokenizer.to_str())
        del whole["model"]["vocab"], whole["model"]["merges"]
        out["tokenizers"][name] = {
            "tokenizer_json": whole,
            "merges_sha256": hashlib.sha256((folder / "merges.txt").read_bytes()).hexdigest(),
            "files": {f: (folder / f).read_text() for f in ("tokenizer_config.json", "special_tokens_map.json") if (folder / f).exists()},
            "ids": ids, "padded": padded,
            "spans": [spans(text, encoding) for text, encoding in zip(texts, encodings)],
        }
    return json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()


def compare(texts, folders):
    from transformers import CLIPTokenizer, CLIPTokenizerFast
    for name, folder in folders.items():
        fast = CLIPTokenizerFast.from_pretrained(folder)
        for label, hidden in (("slow, ftfy installed", False), ("slow, no ftfy", True)):
            sys.modules.pop("ftfy", None)
            if hidden:
                sys.modules["ftfy"] = None
            slow = CLIPTokenizer.from_pretrained(folder)
            differing = [t for t in texts if slow(t)["input_ids"] != fast(t)["input_ids"]]
            plain = [t for t in differing if all(0x20 <= ord(c) < 0x7F for c in t)]
            print(f"{name}: {label}: {len(differing)} of {len(texts)} differ, {len(plain)} of them printable ASCII, e.g.")
            for text in plain[:6] + differing[:: max(1, len(differing) // 12)]:
                print("   ", ascii(text), fast.convert_ids_to_tokens(fast(text)["input_ids"][1:-1])[:8], slow.tokenize(text)[:8])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--fuzz", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20000)
    args = parser.parse_args()
    merges = clip_merges()
    with tempfile.TemporaryDirectory() as temporary:
        folders = {}
        for name, (config, special_map) in sdxl_configs().items():
            folders[name] = Path(temporary) / name
            write_folder(folders[name], merges, config, special_map)
        if args.compare:
            return compare(strings(), folders)
        if args.fuzz:
            return write_gz(args.fuzz, goldens(strings(args.count, args.seed), folders))
        write_gz(FIXTURES / "clip-merges.txt.gz", (folders["tokenizer"] / "merges.txt").read_bytes())
        write_gz(FIXTURES / "clip-ids.json.gz", goldens(strings(), folders))
    if (DEMO / "tokenizer").exists():
        write_gz(FIXTURES / "demo-ids.json.gz", goldens(strings(), {n: DEMO / n for n in ("tokenizer", "tokenizer_2")}))


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    main()
