import type { Tensor, Weight } from '@pleinair/tensor';
import { expectFloat, expectLayout } from '../product/checks.js';
import { linearLayout } from '../product/layout.js';
import { expectThat, expectWeightShape } from '../shader/shape-checks.js';

/** Widths of a GEGLU projection, `[..., K]` → `[..., N]`. */
export interface GegluSizes {
  readonly k: number;
  readonly n: number;
}

/**
 * Throws unless a GEGLU projection's weights fit its input.
 *
 * @param w - `[2·N, K]`: N value rows, then N gate rows. N is a multiple of 4, as four times any width is.
 * @param bias - `[2·N]`.
 * @throws ShapeError `shape/mismatch`.
 */
export function expectGeglu(where: string, x: Tensor, w: Weight, bias: Weight | undefined): GegluSizes {
  const rows = w.source.shape[0] ?? 0;
  const k = x.shape.at(-1) ?? 0;
  expectThat(where, x.shape.length >= 2, `an input [..., K], got [${x.shape.join(', ')}]. Add a leading dimension.`);
  expectFloat(where, x);
  expectLayout(where, w, linearLayout);
  expectWeightShape(where, 'a projection of', w, [rows, k]);
  expectThat(
    where,
    rows % 8 === 0,
    `two halves of a multiple of 4 rows each, got ${rows} rows. Check the model's config against "${w.source.name}".`,
  );
  if (bias) expectWeightShape(where, 'a projection bias of', bias, [rows]);
  return { k, n: rows / 2 };
}
