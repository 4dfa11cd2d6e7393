"""Counts weights and floating-point operations (a multiply-add is 2)."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode


def unet_step(unet, side, batch=2):
    condition = dict(
        text_embeds=torch.zeros(batch, unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim),
        time_ids=torch.zeros(batch, 6),
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        unet(torch.zeros(batch, 4, side, side), torch.zeros(batch), torch.zeros(batch, 77, unet.config.cross_attention_dim), added_cond_kwargs=condition)
    return counter.get_total_flops()


def decode(vae, side):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        vae.decode(torch.zeros(1, 4, side, side))
    return counter.get_total_flops()


if __name__ == "__main__":
    import config

    vae = AutoencoderKL(**config.VAE)
    unet = UNet2DConditionModel(**config.UNET)
    count = lambda m: sum(p.numel() for p in m.parameters()) / 1e6
    print(f"vae {count(vae):.2f} M, decode {decode(vae, 16) / 1e9:.2f} GFLOP")
    print(f"unet {count(unet):.2f} M, guided step {unet_step(unet, 16) / 1e9:.2f} GFLOP")
