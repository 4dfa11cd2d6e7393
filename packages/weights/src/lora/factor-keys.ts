/** What a tensor of a LoRA file is within its module, by the name LyCORIS and kohya give it. */
export type FactorRole =
  | 'down'
  | 'up'
  | 'mid'
  | 'alpha'
  | 'hada_w1_a'
  | 'hada_w1_b'
  | 'hada_w2_a'
  | 'hada_w2_b'
  | 'hada_t1'
  | 'hada_t2'
  | 'lokr_w1'
  | 'lokr_w1_a'
  | 'lokr_w1_b'
  | 'lokr_w2'
  | 'lokr_w2_a'
  | 'lokr_w2_b'
  | 'lokr_t2';

/** A key taken apart. */
export interface FactorKey {
  /** The module as the file calls it, e.g. `lora_unet_mid_block_attentions_0_proj_in` or `unet.conv_in`. */
  readonly module: string;
  /** Absent where it is a tensor of a kind that is not read: full differences, trained norms, DoRA's magnitudes. */
  readonly role: FactorRole | undefined;
  /** The kind, in words, where there is no role. */
  readonly unread?: string;
}

const downForms = ['.lora_down.weight', '.lora_linear_layer.down.weight', '.lora.down.weight', '_lora.down.weight'];
const upForms = downForms.map((form) => form.replace('down', 'up'));

/** Endings that say all, the longer of two before the shorter. */
const endings: readonly (readonly [string, FactorRole])[] = [
  ...downForms.map((form) => [form, 'down'] as const),
  ...upForms.map((form) => [form, 'up'] as const),
  ['.lora_mid.weight', 'mid'],
  ['.lora.alpha', 'alpha'],
  ['_lora.alpha', 'alpha'],
  ['.alpha', 'alpha'],
  ...(
    [
      'hada_w1_a',
      'hada_w1_b',
      'hada_w2_a',
      'hada_w2_b',
      'hada_t1',
      'hada_t2',
      'lokr_w1',
      'lokr_w1_a',
      'lokr_w1_b',
      'lokr_w2',
      'lokr_w2_a',
      'lokr_w2_b',
      'lokr_t2',
    ] as const
  ).map((role) => [`.${role}`, role] as const),
];

/** PEFT's, with the adapter's name in the middle where it was saved with it. */
const peftForm = /\.lora_([AB])(?:\.[^.]+)?\.weight$/;

const unreadForms: readonly (readonly [RegExp, string])[] = [
  [/\.(?:dora_scale|lora_magnitude_vector(?:\.[^.]+)?(?:\.weight)?)$/, 'DoRA'],
  [/\.(?:diff|diff_b)$/, 'full difference'],
  [/\.(?:w_norm|b_norm)$/, 'trained norm'],
  [/\.(?:lora_bias|lora_[AB](?:\.[^.]+)?\.bias|lora_(?:up|down)\.bias)$/, 'bias'],
  [/\.(?:oft_blocks|oft_diag|a1\.weight|a2\.weight|b1\.weight|b2\.weight|on_input|weight)$/, 'other kind of adapter'],
];

/** Takes a key of a LoRA file apart, of whichever form. Anything else has no role, and its whole as module. */
export function factorKey(key: string): FactorKey {
  const peft = peftForm.exec(key);
  if (peft) return { module: key.slice(0, peft.index), role: peft[1] === 'A' ? 'down' : 'up' };
  const ending = endings.find(([form]) => key.endsWith(form));
  if (ending) return { module: key.slice(0, -ending[0].length), role: ending[1] };
  for (const [form, unread] of unreadForms) {
    const found = form.exec(key);
    if (found) return { module: key.slice(0, found.index), role: undefined, unread };
  }
  return { module: key, role: undefined };
}
