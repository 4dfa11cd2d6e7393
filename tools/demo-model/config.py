"""The shapes of every part."""

VAE = dict(
    in_channels=3, out_channels=3, latent_channels=4, sample_size=128,
    down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[24, 48, 96, 96], layers_per_block=1, norm_num_groups=6, act_fn="silu",
    force_upcast=False, use_quant_conv=True, use_post_quant_conv=True,
)

ENCODER_1 = dict(hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2, hidden_act="quick_gelu", projection_dim=64)
ENCODER_2 = dict(hidden_size=96, intermediate_size=384, num_hidden_layers=3, num_attention_heads=3, hidden_act="gelu", projection_dim=96)

UNET = dict(
    sample_size=16, in_channels=4, out_channels=4,
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    block_out_channels=[64, 80, 96], layers_per_block=1, transformer_layers_per_block=[1, 1, 2],
    attention_head_dim=[4, 5, 6], norm_num_groups=16, use_linear_projection=True, cross_attention_dim=160,
    addition_embed_type="text_time", addition_time_embed_dim=32, projection_class_embeddings_input_dim=6 * 32 + 96,
)
