"""What diffusers makes of the bundled demo model: the goldens of the whole pipeline.

    python tools/reference/demo_model.py     writes packages/testing/goldens/demo-model.safetensors

Run it again whenever packages/demo-model/model changes.
"""

import hashlib
import json
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "packages" / "demo-model" / "model"
OUT = ROOT / "packages" / "testing" / "goldens" / "demo-model.safetensors"
STEPS = 20
SMALL = dict(width=64, height=64, steps=8)
# 73 tokens, then a word of five, which a chunk of 75 would cut.
LONG = "a snowy mountain under a full moon with a cabin " * 7 + "a full moon ukiyo with a sailboat at sunset"
# Each run: what to ask, and what to leave as it is. Sizes, steps and guidance are the model's own unless they are named.
RUNS = {
    "plain": dict(prompt="a snowy mountain under a full moon", seed=7),
    "negative": dict(prompt="a sailboat at sunset", negative_prompt="clouds", seed=11),
    "wide": dict(prompt="autumn hills at dawn with a cabin", seed=3, width=160, height=96),
    "unguided": dict(prompt="a sailboat at sunset", seed=5, guidance=1.0, **SMALL),
    "below-one": dict(prompt="a desert at noon", negative_prompt="clouds", seed=6, guidance=0.5, **SMALL),
    "empty-negative": dict(prompt="a lighthouse at night", negative_prompt="", seed=8, **SMALL),
    "absent-negative": dict(prompt="a lighthouse at night", seed=8, **SMALL),
    "no-forced-zeros": dict(prompt="a lighthouse at night", seed=8, force_zeros=False, **SMALL),
    "empty-prompt": dict(prompt="", negative_prompt="clouds", seed=9, **SMALL),
    "long": dict(prompt=LONG, seed=10, **SMALL),
    "long-prompt": dict(prompt=LONG, negative_prompt="clouds", seed=10, **SMALL),
    "long-negative": dict(prompt="a cabin in the hills", negative_prompt=LONG, seed=12, **SMALL),
    "long-unguided": dict(prompt=LONG, seed=13, guidance=1.0, **SMALL),
}


def chunks_of(tokenizer, text: str) -> list[list[int]]:
    """Token ids shared out over chunks of 75, words whole: what diffusers leaves to its callers."""
    room = tokenizer.model_max_length - 2
    words, word = [], []
    for token in tokenizer.tokenize(text):
        word.append(tokenizer.convert_tokens_to_ids(token))
        if token.endswith("</w>"):
            words.append(word)
            word = []
    assert not word and all(len(w) <= room for w in words)
    chunks = [[]]
    for word in words:
        if len(chunks[-1]) + len(word) > room:
            chunks.append([])
        chunks[-1] += word
    return chunks


def encode_chunks(pipe, text: str, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states `[1, 77 * count, width]` of both encoders and the first chunk's pooled text, chunk by chunk."""
    states, pooled = [], None
    for tokenizer, encoder in ((pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)):
        chunks = chunks_of(tokenizer, text)
        rows = []
        for chunk in chunks + [[]] * (count - len(chunks)):
            ids = [tokenizer.bos_token_id, *chunk, tokenizer.eos_token_id]
            ids += [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(ids))
            said = encoder(torch.tensor([ids]), output_hidden_states=True)
            rows.append(said.hidden_states[-2])
            if encoder is pipe.text_encoder_2 and len(rows) == 1:
                pooled = said.text_embeds
        states.append(torch.cat(rows, dim=1))
    return torch.cat(states, dim=-1), pooled


def encode(pipe, run: dict, guided: bool) -> tuple:
    """States and pooled text of prompt and negative, in the order of the pipeline's own `encode_prompt`."""
    prompt, negative = run["prompt"], run.get("negative_prompt")
    zeros = negative is None and pipe.config.force_zeros_for_empty_prompt
    texts = [prompt] if not guided or zeros else [prompt, negative or ""]
    count = max(len(chunks_of(tokenizer, text)) for tokenizer in (pipe.tokenizer, pipe.tokenizer_2) for text in texts)
    states, pooled = encode_chunks(pipe, prompt, count)
    if count == 1:
        said = pipe.encode_prompt(
            prompt, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=guided, negative_prompt=negative
        )
        assert torch.allclose(states, said[0]) and torch.allclose(pooled, said[2]), "one chunk is what diffusers encodes"
        return said
    if not guided:
        return states, None, pooled, None
    if zeros:
        return states, torch.zeros_like(states), pooled, torch.zeros_like(pooled)
    negative_states, negative_pooled = encode_chunks(pipe, negative or "", count)
    return states, negative_states, pooled, negative_pooled


@torch.no_grad()
def main() -> None:
    pipe = StableDiffusionXLPipeline.from_pretrained(MODEL, torch_dtype=torch.float32, variant=None)
    pipe.set_progress_bar_config(disable=True)
    assert pipe.config.force_zeros_for_empty_prompt, "the demo model is trained so, and one run says otherwise"
    defaults = json.loads((MODEL / "pleinair.json").read_text())
    for tokenizer in (pipe.tokenizer, pipe.tokenizer_2):
        shared = [len(chunk) for chunk in chunks_of(tokenizer, LONG)]
        assert len(shared) == 2, f"LONG must take two chunks, not {shared}"
        if shared[0] == tokenizer.model_max_length - 2:
            print("No word of LONG meets the cut any more: the goldens do not see whether words are kept whole.")
    out = {}
    for name, run in RUNS.items():
        size = dict(width=run.get("width", defaults["width"]), height=run.get("height", defaults["height"]))
        guidance = run.get("guidance", defaults["guidance"])
        pipe.register_to_config(force_zeros_for_empty_prompt=run.get("force_zeros", True))
        embeds, negative, pooled, negative_pooled = encode(pipe, run, guided=guidance > 1)
        latents = pipe(
            prompt_embeds=embeds, negative_prompt_embeds=negative, pooled_prompt_embeds=pooled,
            negative_pooled_prompt_embeds=negative_pooled, **size,
            num_inference_steps=run.get("steps", STEPS), guidance_scale=guidance,
            generator=torch.Generator().manual_seed(run["seed"]), output_type="latent",
        ).images
        image = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
        out |= {f"{name}.latents": latents,
                f"{name}.image": ((image / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)}
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(MODEL.rglob("*.safetensors")))).hexdigest()
    meta = {"runs": json.dumps(RUNS), "guidance": str(defaults["guidance"]), "steps": str(STEPS), "weights_sha256": digest}
    save_file({k: v.clone().contiguous() for k, v in out.items()}, OUT, metadata=meta)
    print({k: tuple(v.shape) for k, v in out.items()}, digest[:12])


if __name__ == "__main__":
    main()
