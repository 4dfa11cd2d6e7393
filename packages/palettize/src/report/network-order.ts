/** Parts of a UNet by the order in which they run; what matches none stands between the last two. */
const parts: readonly RegExp[] = [
  /^(time_embedding|time_proj)$/,
  /^add_(embedding|time_proj)$/,
  /^conv_in$/,
  /^down_blocks$/,
  /^mid_block$/,
  /^up_blocks$/,
  /^conv_out$/,
];

/** Parts of a block, resnet or transformer in the order in which they run. */
const inner: readonly string[] = (
  'proj_in conv1 time_emb_proj conv2 conv_shortcut transformer_blocks attn1 attn2 ff to_q to_k to_v to_out proj_out ' +
  'downsamplers upsamplers linear_1 linear_2'
).split(' ');

/** Layer names in the order in which a UNet of diffusers runs them; names it does not know keep theirs. */
export function networkOrder(layers: readonly string[]): string[] {
  const keys = new Map(layers.map((layer) => [layer, sortKey(layer)]));
  return layers.toSorted((a, b) => compare(keys.get(a)!, keys.get(b)!));
}

/** A layer's block for headings: `down 0`, `mid`, `up 2`, `in` and `out` for what stands before and after them. */
export function blockOf(layer: string): string {
  const [part = '', index = ''] = layer.split('.');
  if (part === 'down_blocks') return `down ${index}`;
  if (part === 'up_blocks') return `up ${index}`;
  if (part === 'mid_block') return 'mid';
  const rank = parts.findIndex((one) => one.test(part));
  if (rank >= 0) return rank < 3 ? 'in' : 'out';
  return /^\d+$/.test(index) ? `${part} ${index}` : part;
}

function sortKey(layer: string): number[] {
  const [part = '', ...rest] = layer.split('.');
  const known = parts.findIndex((one) => one.test(part));
  if (known < 0) return [parts.length - 1.5];
  const key = [known];
  for (let i = 0; i < rest.length; i++) {
    const name = rest[i]!;
    // In a block, a resnet is followed by the attention of its number.
    if (name === 'resnets' || name === 'attentions') {
      key.push(-1, 2 * Number(rest[i + 1]) + (name === 'attentions' ? 1 : 0));
      i++;
    } else if (/^\d+$/.test(name)) {
      key.push(Number(name));
    } else {
      const rank = inner.indexOf(name);
      key.push(rank < 0 ? inner.length : rank);
    }
  }
  return key;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? -1) - (b[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
