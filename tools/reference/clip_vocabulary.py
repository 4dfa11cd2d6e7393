"""CLIP's merges, packed for @pleinair/weights.

    python tools/reference/clip_vocabulary.py    writes packages/weights/src/clip-vocabulary/packed-merges.ts

Each merge joins two earlier tokens, so a pair of ids says all of it: 0.16 MB where the text, compressed, takes 0.21.
"""

import base64
import gzip
import zlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
MERGES = ROOT / "packages" / "text" / "test" / "fixtures" / "clip-merges.txt.gz"
OUT = ROOT / "packages" / "weights" / "src" / "clip-vocabulary" / "packed-merges.ts"


def byte_letters() -> list[str]:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def main() -> None:
    letters = byte_letters()
    tokens = letters + [letter + "</w>" for letter in letters]
    ids = {token: i for i, token in enumerate(tokens)}
    pairs = []
    for line in gzip.decompress(MERGES.read_bytes()).decode().splitlines()[1:]:
        first, second = line.split(" ")
        pairs.append((ids[first], ids[second]))
        ids[first + second] = len(ids)
    assert len(pairs) == 48_894 and len(ids) == 49_406, (len(pairs), len(ids))
    planes = b"".join(bytes(shift(pair[which]) for pair in pairs)
                      for which in (0, 1) for shift in (lambda i: i >> 8, lambda i: i & 255))
    text = base64.b64encode(zlib.compress(planes, 9)).decode()
    OUT.write_text("/** Written by tools/reference/clip_vocabulary.py; its form is told where it is unpacked. */\n"
                   f"export const packedMerges: string =\n  '{text}';\n")
    print(len(text), "characters")


if __name__ == "__main__":
    main()
