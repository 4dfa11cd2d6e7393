import { geglu, linear, linearWeight, type Activation } from '@pleinair/kernels';
import type { PeerRecorder, OpCase } from './op-case.js';

type Body = Omit<OpCase, 'suite' | 'shape'>;

/** A projection of its own width: `[1, rows, c]` → the same. */
export function projection(rows: number, c: number): Body {
  return {
    input: [1, rows, c],
    ours: ({ scope, g, vector }, x) =>
      linear(g, x, linearWeight(scope, c, c), { bias: vector('bias', c), label: scope.prefix }),
    peer: (p, x) => product(p, x, '', c, c),
  };
}

/** A plain matrix product, `[n, n] · [n, n]`. */
export function square(n: number): Body {
  return {
    input: [1, n, n],
    ours: ({ scope, g }, x) => linear(g, x, linearWeight(scope, n, n), { label: scope.prefix }),
    peer: (p, x) => p.m.op('MatMul', [x, p.matrix('weight', n, n)]),
  };
}

/** Two projections with an activation between, as in text encoders and time embeddings. */
export function mlp(rows: number, c: number, hidden: number, activation: Activation): Body {
  return {
    input: [1, rows, c],
    ours({ scope, g, vector }, x) {
      const [up, down] = [scope.in('up'), scope.in('down')];
      const upOptions = { bias: vector('up.bias', hidden), activation, label: up.prefix };
      const h = linear(g, x, linearWeight(up, hidden, c), upOptions);
      return linear(g, h, linearWeight(down, c, hidden), { bias: vector('down.bias', c), label: down.prefix });
    },
    peer: (p, x) => product(p, activate(p, product(p, x, 'up.', hidden, c), activation), 'down.', c, hidden),
  };
}

/** The feed-forward of a transformer block: GEGLU's projection and the one back. */
export function feedForward(rows: number, c: number): Body {
  const hidden = 4 * c;
  return {
    input: [1, rows, c],
    ours({ scope, g, vector }, x) {
      const [up, down] = [scope.in('up'), scope.in('down')];
      const h = geglu(g, x, linearWeight(up, 2 * hidden, c), { bias: vector('up.bias', 2 * hidden), label: up.prefix });
      return linear(g, h, linearWeight(down, c, hidden), { bias: vector('down.bias', c), label: down.prefix });
    },
    peer(p, x) {
      const both = product(p, x, 'up.', 2 * hidden, c);
      const sizes = p.m.integers([hidden, hidden]);
      const [value, gate] = p.m.node('Split', [both, sizes], { axis: -1 }, { outputs: 2 });
      return product(p, p.m.op('Mul', [value!, activate(p, gate!, 'gelu')]), 'down.', c, hidden);
    },
  };
}

function product(p: PeerRecorder, x: string, prefix: string, n: number, k: number): string {
  const sum = p.m.op('MatMul', [x, p.matrix(`${prefix}weight`, n, k)]);
  return p.m.op('Add', [sum, p.vector(`${prefix}bias`, n)]);
}

/** What exporters write for each; `Gelu` is what the peer itself makes of the exported form. */
function activate({ m }: PeerRecorder, x: string, activation: Activation): string {
  switch (activation) {
    case 'none':
      return x;
    case 'silu':
      return m.op('Mul', [x, m.op('Sigmoid', [x])]);
    case 'gelu':
      return m.op('Gelu', [x], {}, 'com.microsoft');
    case 'quick_gelu':
      return m.op('QuickGelu', [x], { alpha: { float: 1.702 } }, 'com.microsoft');
    case 'gelu_tanh':
      return m.op('FastGelu', [x], {}, 'com.microsoft');
  }
}
