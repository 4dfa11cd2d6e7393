"""SDXL base's whole UNet with seeded weights, and what diffusers computes with it on a 16×16 latent.

    python tools/reference/full_size_unet.py     writes packages/testing/goldens/sdxl-full-unet.safetensors

The model stays on torch's meta device. Each layer's weights are made when it is called and dropped after, so 2.57 G of
them take no more memory than the largest layer. The values are half floats, computed with in f32.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import EulerDiscreteScheduler
from full_size_names import build
from safetensors.torch import save_file
from seeded_weights import seeded_input, seeded_weight

GOLDENS = Path(__file__).parents[2] / "packages" / "testing" / "goldens"
GUIDANCE = 5.0
SCHEDULE = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1,
    timestep_spacing="trailing",
)


def weights_on_call(model: torch.nn.Module) -> dict[str, int]:
    """Makes layers fetch their own weights. Returns the sums of half-float bits by tensor, filled as layers are called."""
    sums: dict[str, int] = {}

    def attach(layer: torch.nn.Module, prefix: str) -> None:
        own = {name: tuple(p.shape) for name, p in layer.named_parameters(recurse=False)}
        if not own:
            return

        def fetch(*_: object) -> None:
            for name, shape in own.items():
                full = f"{prefix}.{name}"
                assert full not in sums, f"{full} is used twice"
                values = seeded_weight(full, shape)
                sums[full] = int(values.view(np.uint16).sum(dtype=np.int64))
                setattr(layer, name, torch.nn.Parameter(torch.from_numpy(values).float(), requires_grad=False))

        def drop(*_: object) -> None:
            for name, shape in own.items():
                setattr(layer, name, torch.nn.Parameter(torch.empty(shape, device="meta"), requires_grad=False))

        layer.register_forward_pre_hook(fetch)
        layer.register_forward_hook(drop)

    for prefix, layer in model.named_modules():
        attach(layer, prefix)
    return sums


@torch.no_grad()
def main() -> None:
    with torch.device("meta"):
        unet = build()["unet"][0].eval()
    sums = weights_on_call(unet)

    def inputs(name: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(seeded_input(name, shape)).float()

    scheduler = EulerDiscreteScheduler(**SCHEDULE)
    scheduler.set_timesteps(1)
    t = scheduler.timesteps[0]
    latents = inputs("input.noise", 1, 4, 16, 16) * scheduler.init_noise_sigma
    model_input = scheduler.scale_model_input(torch.cat([latents, latents]), t)
    started = time.perf_counter()
    eps = unet(  # unconditional first
        model_input, t, inputs("input.states", 2, 77, 2048),
        added_cond_kwargs={
            "text_embeds": inputs("input.pooled", 2, 1280),
            "time_ids": torch.tensor([[128.0, 128, 0, 0, 128, 128]]).repeat(2, 1),
        },
    ).sample
    seconds = time.perf_counter() - started

    names = json.loads((GOLDENS / "sdxl-base-names.json").read_text())["unet"]
    assert set(sums) == set(names), set(sums) ^ set(names)
    uncond, cond = eps.chunk(2)
    final = scheduler.step(uncond + GUIDANCE * (cond - uncond), t, latents).prev_sample
    save_file(
        {"eps": eps.contiguous(), "latents": final.contiguous(),
         "half_sums": torch.tensor([sums[name] for name in names], dtype=torch.int64)},
        GOLDENS / "sdxl-full-unet.safetensors", {"format": "pt", "timestep": str(float(t)), "guidance": str(GUIDANCE)},
    )
    print(f"{seconds:.0f} s; eps std {eps.std():.4f}, halves differ by {(cond - uncond).std():.4f}, "
          f"latents std {final.std():.4f}, t {float(t)}, sigma {scheduler.init_noise_sigma:.4f}")


if __name__ == "__main__":
    main()
