"""Puts an exported folder's autoencoder and text encoders back where the training programs look for them.

python import_parts.py --work ../../.training --model ../../packages/demo-model/model
"""

import argparse

import torch
from diffusers import AutoencoderKL
from transformers import CLIPTextModel, CLIPTextModelWithProjection

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--model", required=True)
    args = parser.parse_args()
    vae = AutoencoderKL.from_pretrained(args.model, subfolder="vae").float().state_dict()
    torch.save(dict(model=vae, average=vae, step=0), f"{args.work}/autoencoder.pt")
    one = CLIPTextModel.from_pretrained(args.model, subfolder="text_encoder").float().state_dict()
    two = CLIPTextModelWithProjection.from_pretrained(args.model, subfolder="text_encoder_2").float().state_dict()
    torch.save(dict(one=one, two=two), f"{args.work}/text.pt")
