"""SDXL's UNet with weights made up, in PyTorch: what `npm run bench -- sdxl-random` does, for the same GPU in the same hour.

    python tools/reference/sdxl_random_speed.py [--scale full|reduced|least] [--json FILE] [--beside OURS.json]

Half floats on CUDA, channels last, guided pairs as a batch of two, 20 Euler steps as diffusers takes them. Timed twice:
as it is, and compiled (`--no-compile` leaves that out, it takes a minute or two). With `--beside` the steps a second of a
report of ours are printed next to it. Needs torch and diffusers; the latter is pure Python and needs no more of its
dependencies than numpy, safetensors, huggingface-hub, regex, requests, filelock and Pillow.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel

FULL = dict(
    sample_size=128, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280), layers_per_block=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=(1, 2, 10),
    attention_head_dim=(5, 10, 20), cross_attention_dim=2048, use_linear_projection=True, addition_embed_type="text_time",
    addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816, norm_num_groups=32,
)
# Pixels, steps, and what differs from SDXL: as bench/sdxl-random/sizes.ts has it.
SIZES = {
    "full": (1024, 20, {}),
    "reduced": (512, 4, dict(block_out_channels=(80, 160, 320), norm_num_groups=16, attention_head_dim=(2, 2, 5))),
    "least": (64, 2, dict(
        block_out_channels=(32, 64, 64), norm_num_groups=8, attention_head_dim=(1, 2, 2),
        transformer_layers_per_block=(1, 1, 1), layers_per_block=1, addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=80, cross_attention_dim=64,
    )),
}
SCHEDULE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading")
GUIDANCE = 5.0


def on_gpu(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


@torch.no_grad()
def picture(unet, config: dict, side: int, steps: int, device: torch.device, dtype: torch.dtype) -> float:
    """Seconds of all steps of one picture; nothing is waited for but the end, as in ours."""
    scheduler = EulerDiscreteScheduler(**SCHEDULE)
    scheduler.set_timesteps(steps, device=device)
    latents = torch.randn(1, 4, side // 8, side // 8, device=device, dtype=dtype) * scheduler.init_noise_sigma
    states = torch.randn(2, 77, config["cross_attention_dim"], device=device, dtype=dtype)
    pooled = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
    added = {
        "text_embeds": torch.randn(2, pooled, device=device, dtype=dtype),
        "time_ids": torch.tensor([[side, side, 0, 0, side, side]] * 2, device=device, dtype=dtype),
    }
    on_gpu(device)
    started = time.perf_counter()
    for t in scheduler.timesteps:
        pair = scheduler.scale_model_input(torch.cat([latents, latents]), t)
        pair = pair.to(memory_format=torch.channels_last)
        uncond, cond = unet(pair, t, states, added_cond_kwargs=added, return_dict=False)[0].chunk(2)
        latents = scheduler.step(uncond + GUIDANCE * (cond - uncond), t, latents, return_dict=False)[0]
    on_gpu(device)
    return time.perf_counter() - started


def measure(unet, config: dict, side: int, steps: int, rounds: int, device, dtype) -> dict[str, float]:
    started = time.perf_counter()
    picture(unet, config, side, min(steps, 3), device, dtype)
    first = time.perf_counter() - started
    times = [picture(unet, config, side, steps, device, dtype) for _ in range(rounds)]
    ms = 1000 * statistics.median(times) / steps
    return {
        "ms": round(ms, 3), "stepsPerSecond": round(1000 / ms, 3), "pictureSeconds": round(ms * steps / 1000, 3),
        "spread": round((max(times) - min(times)) / statistics.median(times), 3), "warmUpSeconds": round(first, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=SIZES, default="full")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--beside", type=Path, help="a report of ours")
    args = parser.parse_args()
    side, steps, changes = SIZES[args.scale]
    config = {**FULL, **changes}
    device = torch.device(args.device)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    torch.set_default_dtype(dtype)
    with torch.device(device):
        unet = UNet2DConditionModel(**config).eval().to(memory_format=torch.channels_last)
    torch.backends.cudnn.benchmark = True
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    results = {"as it is": measure(unet, config, side, steps, args.rounds, device, dtype)}
    if not args.no_compile:
        try:
            results["compiled"] = measure(torch.compile(unet), config, side, steps, args.rounds, device, dtype)
        except Exception as error:  # whatever a compiler on that machine lacks; the reading before stands
            print(f"compiled: not measured: {error}")
    report = {
        "device": name, "torch": torch.__version__, "dtype": str(dtype), "scale": args.scale, "side": side, "steps": steps,
        "parameters": sum(p.numel() for p in unet.parameters()),
        "peakBytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None, "results": results,
    }
    for how, result in results.items():
        print(f"{name}, {dtype}, {how}: {result}")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    if args.beside:
        best = max(result["stepsPerSecond"] for result in results.values())
        for ours in json.loads(args.beside.read_text())["results"]:
            rate = ours.get("figures", {}).get("stepsPerSecond")
            if rate is not None:
                print(f"{ours['shape']}: {rate} steps/s, {rate / results['as it is']['stepsPerSecond']:.2f} of PyTorch as it is, "
                      f"{rate / best:.2f} of its best")


if __name__ == "__main__":
    main()
