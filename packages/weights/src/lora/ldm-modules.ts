/**
 * The name that a UNet's module has in the original (LDM, "sgm") code, which kohya's SDXL trainer keeps, from the name it
 * has in diffusers.
 *
 * @param module - E.g. `down_blocks.1.attentions.0.proj_in`, without `.weight`.
 * @param layout - What the numbering of blocks depends on.
 * @returns E.g. `input_blocks.4.1.proj_in`; undefined for what has no such name.
 */
export function ldmModule(module: string, layout: UNetLayout): string | undefined {
  const fixed = fixedModules[module];
  if (fixed) return fixed;
  const found = /^(down_blocks|up_blocks)\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(
    module,
  );
  if (found) {
    const [, side, block, kind, layer, rest] = found as unknown as [string, string, string, string, string, string];
    const [b, j] = [Number(block), Number(layer)];
    const perBlock = layout.layersPerBlock + 1;
    if (kind === 'downsamplers') return `input_blocks.${(b + 1) * perBlock}.0.op`;
    if (kind === 'upsamplers') {
      const after = layout.upAttention.has(b) ? 2 : 1;
      return `output_blocks.${b * perBlock + perBlock - 1}.${after}.${rest}`;
    }
    const at = side === 'down_blocks' ? `input_blocks.${1 + b * perBlock + j}` : `output_blocks.${b * perBlock + j}`;
    return kind === 'resnets' ? `${at}.0.${resnetModule(rest)}` : `${at}.1.${rest}`;
  }
  const mid = /^mid_block\.(resnets|attentions)\.(\d+)\.(.+)$/.exec(module);
  if (!mid) return undefined;
  const [, kind, layer, rest] = mid as unknown as [string, string, string, string];
  return kind === 'attentions' ? `middle_block.1.${rest}` : `middle_block.${Number(layer) * 2}.${resnetModule(rest)}`;
}

/** What the numbering of a UNet's blocks depends on. */
export interface UNetLayout {
  /** Resnets of a downward block. */
  readonly layersPerBlock: number;
  /** Upward blocks that have attention. */
  readonly upAttention: ReadonlySet<number>;
}

/** Reads the layout off the names of a UNet's modules. */
export function unetLayout(modules: Iterable<string>): UNetLayout {
  let layersPerBlock = 0;
  const upAttention = new Set<number>();
  for (const module of modules) {
    const down = /^down_blocks\.\d+\.resnets\.(\d+)\./.exec(module);
    if (down) layersPerBlock = Math.max(layersPerBlock, Number(down[1]) + 1);
    const up = /^up_blocks\.(\d+)\.attentions\./.exec(module);
    if (up) upAttention.add(Number(up[1]));
  }
  return { layersPerBlock, upAttention };
}

const fixedModules: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks.0.0',
  conv_out: 'out.2',
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0',
  'add_embedding.linear_2': 'label_emb.0.2',
};

const resnetModules: Readonly<Record<string, string>> = {
  conv1: 'in_layers.2',
  conv2: 'out_layers.3',
  time_emb_proj: 'emb_layers.1',
  conv_shortcut: 'skip_connection',
};

function resnetModule(name: string): string {
  return resnetModules[name] ?? name;
}
