import { type DeviceProfile, type Tensor, type Weight } from '@pleinair/tensor';
import { activate, type Activation } from '../shader/activation.js';
import { tensorBuffer, weightBuffer } from '../shader/declare.js';
import type { Operand, ProductEpilogue } from './parts.js';

/** What follows a product: `out = residual + activation(sum + bias + perImage)`, or `(sum + bias) · activation(gate + bias)`. */
export interface EpilogueOptions {
  readonly out: Tensor;
  /** Row of the product that the output's first row is, where it holds a slice. */
  readonly outOrigin?: number;
  readonly bias?: Weight;
  /** `[B, N]`, added to every row of an image (a time embedding). */
  readonly perImage?: Tensor;
  /** Rows of one image; needed with `perImage`. */
  readonly rowsPerImage?: number;
  readonly activation?: Activation;
  /** Same shape as the output. */
  readonly residual?: Tensor;
  /** The residual's storage is the output's: bind it once. */
  readonly inPlace?: boolean;
  /** The weight holds 2·N columns; the second half gates the first through `activation`. */
  readonly gated?: boolean;
  /** Tensors that the input binds already, by the WGSL name they have there: none may be bound twice. */
  readonly bound: ReadonlyMap<Tensor, string>;
}

/** The epilogue of linear layers and convolutions. */
export function productEpilogue(options: EpilogueOptions, profile: DeviceProfile): ProductEpilogue {
  const { out, bias, perImage, residual, bound, gated = false, activation = 'none' } = options;
  const inPlace = residual !== undefined && options.inPlace === true;
  const operands: Operand[] = [];
  const lines: string[] = [];
  if (bias) operands.push({ declaration: weightBuffer('bias', bias, profile), source: bias });
  if (perImage) {
    operands.push({ declaration: tensorBuffer('per_image', perImage, profile), source: perImage });
  }
  let residualName: string | undefined;
  if (residual) residualName = inPlace ? 'out' : bound.get(residual);
  if (residual && residualName === undefined) {
    residualName = 'residual';
    operands.push({
      declaration: tensorBuffer('residual', residual, profile),
      source: residual,
      rows: (band) => band,
    });
  }
  operands.push({
    declaration: tensorBuffer('out', out, profile),
    source: out,
    rows: (band) => band,
    origin: options.outOrigin ?? 0,
    traffic: inPlace ? 2 : 1,
  });

  lines.push('var v = sum;');
  if (bias) lines.push('v += load_bias(n4);');
  if (perImage) lines.push('v += load_per_image((m / u.rows_per_image) * u.n4 + n4);');
  if (gated) {
    if (bias) lines.push('let g = gate + load_bias(u.n4 + n4);');
    else lines.push('let g = gate;');
    lines.push(`v *= ${activate(activation, 'g')};`);
  } else if (activation !== 'none') {
    lines.push(`v = ${activate(activation, 'v')};`);
  }
  if (residualName) lines.push(`v += load_${residualName}(m * u.n4 + n4 + u.${residualName}_shift);`);
  lines.push('store_out(m * u.n4 + n4 + u.out_shift, v);');
  return {
    kind: 'epilogue',
    gated,
    columns: out.shape.at(-1)!,
    operands,
    uniforms: {
      out_shift: 'u32',
      ...(operands.some((o) => o.declaration.name === 'residual') ? { residual_shift: 'u32' as const } : {}),
      ...(perImage ? { rows_per_image: 'u32' as const } : {}),
    },
    values: perImage ? { rows_per_image: options.rowsPerImage! } : {},
    activations: [activation],
    text: `fn finish(m: u32, n4: u32, sum: vec4<f32>${gated ? ', gate: vec4<f32>' : ''}) {
  ${lines.join('\n  ')}
}`,
  };
}
