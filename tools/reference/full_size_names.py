"""Tensor names and shapes of the official SDXL base checkpoint, from its configs on torch's meta device.

    python tools/reference/full_size_names.py    writes packages/testing/goldens/sdxl-base-names.json

The counts are checked against the published numbers of parameters, so a wrong config cannot pass.
"""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

OUT = Path(__file__).parents[2] / "packages" / "testing" / "goldens" / "sdxl-base-names.json"


def build() -> dict[str, tuple[torch.nn.Module, int]]:
    clip_l = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                            hidden_act="quick_gelu", projection_dim=768)
    bigg = CLIPTextConfig(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
                          hidden_act="gelu", projection_dim=1280)
    unet = UNet2DConditionModel(
        sample_size=128, block_out_channels=(320, 640, 1280), layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(5, 10, 20), transformer_layers_per_block=(1, 2, 10), use_linear_projection=True,
        cross_attention_dim=2048, addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )
    vae = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, norm_num_groups=32,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )
    return {
        "text_encoder": (CLIPTextModel(clip_l), 123_060_480),
        "text_encoder_2": (CLIPTextModelWithProjection(bigg), 694_659_840),
        "unet": (unet, 2_567_463_684),
        "vae": (vae, 83_653_863),
    }


def main() -> None:
    with torch.device("meta"):
        models = build()
    names = {}
    for part, (model, expected) in models.items():
        count = sum(p.numel() for p in model.parameters())
        assert count == expected, f"{part}: {count} parameters, published {expected}"
        names[part] = {name: list(p.shape) for name, p in model.named_parameters()}
    OUT.write_text("{\n" + ",\n".join(
        f'"{part}": {{\n' + ",\n".join(f" {json.dumps(n)}: {json.dumps(s)}" for n, s in tensors.items()) + "\n}"
        for part, tensors in names.items()) + "\n}\n")
    print({part: len(tensors) for part, tensors in names.items()})


if __name__ == "__main__":
    main()
