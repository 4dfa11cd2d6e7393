"""Decodes a palettized file with the very code that docs/palettized-format.md gives, for packages/palettize.

    PLEINAIR_WRITE_GOLDENS=1 npx vitest run --project node packages/palettize/src/apply   writes packed.safetensors
    python tools/reference/palettized.py                                                  writes decoded.safetensors

Needs only numpy and safetensors.
"""

import re
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "palettized-format.md"
GOLDENS = ROOT / "packages" / "palettize" / "test" / "goldens"


def documented_decode():
    """The function `decode` of the document's Python block."""
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        raise SystemExit(f"{DOCUMENT}: expected one Python block, got {len(blocks)}.")
    names = {}
    exec(compile(blocks[0], str(DOCUMENT), "exec"), names)
    return names["decode"]


if __name__ == "__main__":
    decoded = documented_decode()(str(GOLDENS / "packed.safetensors"))
    out = GOLDENS / "decoded.safetensors"
    save_file({name: np.ascontiguousarray(weight) for name, weight in decoded.items()}, out)
    print(f"{out}: {len(decoded)} tensors, {out.stat().st_size} bytes")
