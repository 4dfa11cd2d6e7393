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
# A plain prompt, one with a negative, and a picture that is not square.
RUNS = {
    "plain": dict(prompt="a snowy mountain under a full moon", seed=7),
    "negative": dict(prompt="a sailboat at sunset", negative_prompt="clouds", seed=11),
    "wide": dict(prompt="autumn hills at dawn with a cabin", seed=3, width=160, height=96),
}


@torch.no_grad()
def main() -> None:
    pipe = StableDiffusionXLPipeline.from_pretrained(MODEL, torch_dtype=torch.float32, variant=None)
    pipe.set_progress_bar_config(disable=True)
    defaults = json.loads((MODEL / "pleinair.json").read_text())
    out = {}
    for name, run in RUNS.items():
        size = dict(width=run.get("width", defaults["width"]), height=run.get("height", defaults["height"]))
        embeds, negative, pooled, negative_pooled = pipe.encode_prompt(
            run["prompt"], device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True,
            negative_prompt=run.get("negative_prompt"),
        )
        latents = pipe(
            prompt_embeds=embeds, negative_prompt_embeds=negative, pooled_prompt_embeds=pooled,
            negative_pooled_prompt_embeds=negative_pooled, **size,
            num_inference_steps=20, guidance_scale=defaults["guidance"],
            generator=torch.Generator().manual_seed(run["seed"]), output_type="latent",
        ).images
        image = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
        out |= {f"{name}.embeds": embeds[0], f"{name}.pooled": pooled[0], f"{name}.latents": latents,
                f"{name}.image": ((image / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)}
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(MODEL.rglob("*.safetensors")))).hexdigest()
    meta = {"runs": json.dumps(RUNS), "guidance": str(defaults["guidance"]), "steps": "20", "weights_sha256": digest}
    save_file({k: v.clone().contiguous() for k, v in out.items()}, OUT, metadata=meta)
    print({k: tuple(v.shape) for k, v in out.items()}, digest[:12])


if __name__ == "__main__":
    main()
