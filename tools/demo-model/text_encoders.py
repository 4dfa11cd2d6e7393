"""The two text encoders, and the contexts the UNet reads."""

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from config import ENCODER_1, ENCODER_2


def tokenizers(model):
    return [CLIPTokenizer.from_pretrained(f"{model}/{name}") for name in ("tokenizer", "tokenizer_2")]


def build(vocabulary):
    common = dict(
        vocab_size=vocabulary, max_position_embeddings=77, bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1,
        pad_token_id=1, layer_norm_eps=1e-5,
    )
    one = CLIPTextModel(CLIPTextConfig(**common, **ENCODER_1))
    two = CLIPTextModelWithProjection(CLIPTextConfig(**common, **ENCODER_2))
    return one, two


def ids(tokenizer, texts):
    return tokenizer(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids


def encode(one, two, ids_1, ids_2):
    """SDXL's context (penultimate states of both) and pooled vector."""
    first = one(ids_1, output_hidden_states=True).hidden_states[-2]
    second = two(ids_2, output_hidden_states=True)
    return torch.cat([first, second.hidden_states[-2]], -1), second.text_embeds
