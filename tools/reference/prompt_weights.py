"""AUTOMATIC1111's prompt notation and emphasis, written anew from its behaviour: goldens for packages/text.

    python tools/reference/prompt_weights.py          writes packages/text/test/fixtures/prompt-weights.json
                                                      and packages/testing/goldens/tiny-prompt-weights.safetensors

The notation is read by recursive descent here and by one pass over lexemes in the product, so that the two share no code.
Hidden states are those of the tiny SDXL's encoders, with two vectors injected as diffusers does, by rows added to the
token embedding; weights and the restored mean are applied in float64.
"""

import json
import random
import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

PACKAGES = Path(__file__).parents[2] / "packages"
GOLDENS = PACKAGES / "testing" / "goldens"
NUMBER = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)")

WRITTEN = [
    "a cat", "", "a (red) cat", "((big)) dog", "[faint] sky", "[[faint]] sky", "(very (deep:1.5) sea:0.5)", "(a:1.3)(b:1.3)",
    r"a \(literal\) bracket", r"back\\slash", r"\[x\] (y)", "(open", "[open (both", "shut) here", "no ] open", "(a:1.2", "a:1.2)",
    "[a:1.2]", "(a:x)", "(a: -0.5 )", "(a:1)", "(:1.5)", "one BREAK two", "BREAK", "a BREAK", "BREAK b", "a BREAK BREAK b",
    "(a BREAK b:1.4) c", "BREAKING news", "a\nBREAK\nb", "(a:.5)", "(a:2.)", "(a:1.2:1.3)", "()", "a () b", "(((x)))", "é (ü:1.1) 漢字",
    "a, (b, c:1.25), [d], (e:0.9)",
]


class Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.stretch = text, 0, 0

    def runs(self, closing: str | None) -> tuple[list, float | None]:
        """Runs up to the bracket that closes this level, and the number that came with it."""
        out: list = []
        while self.at < len(self.text):
            c = self.text[self.at]
            before = self.stretch
            self.stretch += 1
            if c == "\\" and self.text[self.at + 1 : self.at + 2] in tuple("()[]\\"):
                out.append([self.text[self.at + 1], 1.0, None])
                self.at += 2
            elif c in "([":
                self.at += 1
                inner, factor = self.runs(")" if c == "(" else "]")
                factor = factor if factor is not None else (1.1 if c == "(" else 1 / 1.1)
                out += [[t, w * factor, e] for t, w, e in inner]
            elif closing == ")" and (found := NUMBER.match(self.text, self.at)):
                self.at = found.end()
                return out, float(found[1])
            elif c == closing:
                self.at += 1
                return out, None
            else:
                self.stretch = before
                out.append([c, 1.0, self.stretch])
                self.at += 1
        return out, None


def parse(text: str) -> list[list[list]]:
    """[part][run] → [text, weight]; parts lie between BREAKs."""
    letters, _ = Reader(text).runs(None)
    # BREAK is looked for in stretches written side by side, within one bracket: brackets and escapes part them.
    stretches: list[list] = []
    for letter, weight, stretch in letters:
        if stretches and stretch is not None and stretches[-1][2] == stretch:
            stretches[-1][0] += letter
        else:
            stretches.append([letter, weight, stretch])
    parts: list[list[list]] = [[]]
    for piece, weight, stretch in stretches:
        for i, section in enumerate([piece] if stretch is None else re.split(r"\s*\bBREAK\b\s*", piece)):
            if i > 0:
                parts.append([])
            if section:
                if parts[-1] and parts[-1][-1][1] == weight:
                    parts[-1][-1][0] += section
                else:
                    parts[-1].append([section, weight])
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def random_prompts(count: int) -> list[str]:
    r = random.Random(5)
    atoms = ["cat", " a ", ", ", "(", ")", "[", "]", ":1.2)", ":0.5)", ":", "\\(", "\\)", " BREAK ", "red"]
    return ["".join(r.choice(atoms) for _ in range(r.randint(1, 14))) for _ in range(count)]


@torch.no_grad()
def states() -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(31)
    ids = load_file(GOLDENS / "tiny-sdxl" / "goldens.safetensors")["input_ids"].long()
    weights = torch.ones(2, 77)
    weights[0, 2:6] = torch.tensor([1.21, 0.5, 1.7, -0.3])
    weights[1, 10:20] = 1.1
    out = {"weights": weights, "injected_at": torch.tensor([[0, 3], [0, 4]], dtype=torch.int32)}  # [row, position]
    for part, model in (("text_encoder", CLIPTextModel), ("text_encoder_2", CLIPTextModelWithProjection)):
        encoder = model.from_pretrained(GOLDENS / "tiny-sdxl" / part).eval()
        table = encoder.text_model.embeddings.token_embedding
        vectors = torch.randn(2, table.weight.shape[1], generator=g)
        out[f"{part}.vectors"] = vectors
        changed = ids.clone()
        changed[0, 3], changed[0, 4] = table.num_embeddings, table.num_embeddings + 1
        # The end token is the largest id where configs are old: rows added for vectors must not be taken for it.
        hidden = []
        table.weight = torch.nn.Parameter(torch.cat([table.weight, vectors]))
        embedded = table(changed)
        table.register_forward_hook(lambda *_: embedded)
        run = encoder(ids, output_hidden_states=True)
        for z, w in zip(run.hidden_states[-2].double(), weights.double()):
            weighed = z * w[:, None]
            hidden.append(weighed * (z.mean() / weighed.mean()))
        out[f"{part}.hidden"] = torch.stack(hidden).float()
        out[f"{part}.injected"] = run.hidden_states[-2].float()
        if part == "text_encoder_2":
            out[f"{part}.pooled"] = run.text_embeds.float()
    return out


if __name__ == "__main__":
    cases = [[text, parse(text)] for text in [*WRITTEN, *random_prompts(300)]]
    (PACKAGES / "text" / "test" / "fixtures" / "prompt-weights.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n", "utf-8")
    tensors = states()
    save_file({k: v.contiguous() for k, v in tensors.items()}, GOLDENS / "tiny-prompt-weights.safetensors")
    print(len(cases), {k: tuple(v.shape) for k, v in tensors.items()})
