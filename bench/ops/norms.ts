import { groupNorm, layerNorm } from '@pleinair/kernels';
import type { Picture } from './convolutions.js';
import type { OpCase } from './op-case.js';

type Body = Omit<OpCase, 'suite' | 'shape'>;

/** GroupNorm and SiLU, in the form exporters write: over groups as an instance norm, then scale and shift. */
export function groupNormSilu(picture: Picture, c: number, eps: number): Body {
  const groups = 32;
  const [batch, height, width] = picture;
  return {
    input: [...picture, c],
    ours: ({ g, scope, vector }, x) =>
      groupNorm(g, x, {
        gamma: vector('gamma', c),
        beta: vector('beta', c),
        groups,
        eps,
        silu: true,
        label: scope.prefix,
      }),
    peer(p, x) {
      const { m } = p;
      const grouped = m.op('Reshape', [x, m.integers([batch, groups, -1])]);
      const fill = (name: string, value: number): string =>
        m.constant(name, m.dtype, [groups], () =>
          m.dtype === 'f32'
            ? new Float32Array(groups).fill(value)
            : new Uint16Array(groups).fill(value === 1 ? 0x3c00 : 0),
        );
      const ones = fill('ones', 1);
      const normalised = m.op('InstanceNormalization', [grouped, ones, fill('zeros', 0)], { epsilon: { float: eps } });
      const back = m.op('Reshape', [normalised, m.integers([batch, c, height, width])]);
      const column = (name: string): string => m.op('Reshape', [p.vector(name, c), m.integers([1, c, 1, 1])]);
      const y = m.op('Add', [m.op('Mul', [back, column('gamma')]), column('beta')]);
      return m.op('Mul', [y, m.op('Sigmoid', [y])]);
    },
  };
}

/** LayerNorm of `[1, rows, c]`. */
export function layerNormalisation(rows: number, c: number): Body {
  const eps = 1e-5;
  return {
    input: [1, rows, c],
    ours: ({ g, scope, vector }, x) =>
      layerNorm(g, x, { gamma: vector('gamma', c), beta: vector('beta', c), eps, label: scope.prefix }),
    peer: (p, x) =>
      p.m.op('LayerNormalization', [x, p.vector('gamma', c), p.vector('beta', c)], {
        axis: -1,
        epsilon: { float: eps },
      }),
  };
}
