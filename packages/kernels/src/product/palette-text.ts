import type { PaletteForm } from '@pleinair/tensor';

/** First word of the palette of vec4 column `n4`. Palettes past the last one belong to padding: any will do. */
export function groupPalette({ bits, group }: PaletteForm): string {
  return group ? `(n4 / u.w_group4) * ${2 ** bits / 2}u` : '0u';
}

/** A column's mask of lanes that are no padding: a field of `Column`, its value of `n4`, and `decoded` under it. */
export function columnMask(ragged: boolean): { field: string; value: string; applied: string } {
  return ragged
    ? {
        field: ', lanes: vec4<bool>',
        value: ', vec4(4u * n4) + vec4(0u, 1u, 2u, 3u) < vec4(u.w_rows)',
        applied: 'select(vec4<f32>(), decoded, column.lanes)',
      }
    : { field: '', value: '', applied: 'decoded' };
}
