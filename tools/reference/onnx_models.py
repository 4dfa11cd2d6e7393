"""The demo model's UNet and VAE decoder as ONNX files, which `npm run bench -- unet vae --peers` measures ours against.

    python tools/reference/onnx_models.py     writes .cache/bench/demo-unet.onnx and .cache/bench/demo-vae-decoder.onnx

Exported as they are: sizes fixed to the model's own picture size, batch 2 for the UNet (a guided pair), weights f32.
`--half` writes `…-f16.onnx` beside them. The files are not committed.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "packages" / "demo-model" / "model"
OUT = ROOT / ".cache" / "bench"


class UNet(torch.nn.Module):
    """Plain tensors in, plain tensor out."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, encoder_hidden_states, text_embeds, time_ids):
        added = {"text_embeds": text_embeds, "time_ids": time_ids}
        return self.unet(sample, timestep, encoder_hidden_states, added_cond_kwargs=added, return_dict=False)[0]


class Decoder(torch.nn.Module):
    """Scaled latents in, picture in -1…1 out."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latents):
        return self.vae.decode(latents / self.vae.config.scaling_factor, return_dict=False)[0]


def export(module: torch.nn.Module, inputs: dict[str, torch.Tensor], name: str) -> None:
    path = OUT / name
    # The tracing exporter: it needs no package beside onnx.
    torch.onnx.export(
        module.eval(), tuple(inputs.values()), str(path), input_names=list(inputs), output_names=["y"],
        opset_version=17, dynamo=False,
    )
    print(path.relative_to(ROOT), f"{path.stat().st_size / 1e6:.1f} MB")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", action="store_true", help="weights and activations in fp16")
    half = parser.parse_args().half
    OUT.mkdir(parents=True, exist_ok=True)
    dtype, ending = (torch.float16, "-f16") if half else (torch.float32, "")
    unet = UNet2DConditionModel.from_pretrained(MODEL / "unet", torch_dtype=dtype)
    vae = AutoencoderKL.from_pretrained(MODEL / "vae", torch_dtype=dtype)
    side, channels = unet.config.sample_size, unet.config.in_channels
    ids = 6 * unet.config.addition_time_embed_dim
    pooled = unet.config.projection_class_embeddings_input_dim - ids
    export(UNet(unet), {
        "sample": torch.randn(2, channels, side, side, dtype=dtype),
        "timestep": torch.full((2,), 500.0, dtype=dtype),
        "encoder_hidden_states": torch.randn(2, 77, unet.config.cross_attention_dim, dtype=dtype),
        "text_embeds": torch.randn(2, pooled, dtype=dtype),
        "time_ids": torch.tensor([[128.0, 128, 0, 0, 128, 128]] * 2, dtype=dtype),
    }, f"demo-unet{ending}.onnx")
    export(Decoder(vae), {"latents": torch.randn(1, channels, side, side, dtype=dtype)}, f"demo-vae-decoder{ending}.onnx")


if __name__ == "__main__":
    main()
