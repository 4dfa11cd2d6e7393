import { conv2d, convWeight } from '@pleinair/kernels';
import type { OpCase, PeerRecorder } from './op-case.js';

type Body = Omit<OpCase, 'suite' | 'shape'>;

/** Sizes of a picture, channels apart. */
export type Picture = readonly [batch: number, height: number, width: number];

/** A convolution of its own width, with a bias. */
export function convolution(picture: Picture, c: number, kernel: 1 | 3): Body {
  return {
    input: [...picture, c],
    ours: ({ g, scope, vector }, x) =>
      conv2d(g, x, convWeight(scope, c, [c], kernel), { bias: vector('bias', c), label: scope.prefix }),
    peer: (p, x) => peerConv(p, x, '', c, c, kernel),
  };
}

/** The first convolution of an up block: over the running tensor and a skip connection, read as if concatenated. */
export function dualConvolution(picture: Picture, c: number, skip: number, kernel: 1 | 3): Body {
  return {
    input: [...picture, c],
    ours({ g, scope, side, vector }, x) {
      const second = side('skip', [...picture, skip]);
      const weight = convWeight(scope, c, [c, skip], kernel);
      return conv2d(g, x, weight, { second, bias: vector('bias', c), label: scope.prefix });
    },
    peer: (p, x) =>
      peerConv(p, p.m.op('Concat', [x, p.side('skip', [...picture, skip])], { axis: 1 }), '', c, c + skip, kernel),
  };
}

/** A level's way down and up again: a convolution of stride 2, then doubling by nearest neighbour and a convolution. */
export function resample(picture: Picture, c: number): Body {
  return {
    input: [...picture, c],
    ours({ g, scope, vector }, x) {
      const [down, up] = [scope.in('down'), scope.in('up')];
      const downOptions = { stride: 2 as const, bias: vector('down.bias', c), label: down.prefix };
      const half = conv2d(g, x, convWeight(down, c, [c], 3), downOptions);
      const upOptions = { upsample: 2 as const, bias: vector('up.bias', c), label: up.prefix };
      return conv2d(g, half, convWeight(up, c, [c], 3), upOptions);
    },
    peer(p, x) {
      const half = peerConv(p, x, 'down.', c, c, 3, 2);
      const scales = p.m.constant('scales', 'f32', [4], () => Float32Array.of(1, 1, 2, 2));
      const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      return peerConv(p, p.m.op('Resize', [half, '', scales], attributes), 'up.', c, c, 3);
    },
  };
}

/** A UNet's ends: from few channels to many and back. */
export function ends(picture: Picture, few: number, many: number): Body {
  return {
    input: [...picture, few],
    ours({ g, scope, vector }, x) {
      const [first, last] = [scope.in('first'), scope.in('last')];
      const h = conv2d(g, x, convWeight(first, many, [few], 3), {
        bias: vector('first.bias', many),
        label: first.prefix,
      });
      return conv2d(g, h, convWeight(last, few, [many], 3), { bias: vector('last.bias', few), label: last.prefix });
    },
    peer: (p, x) => peerConv(p, peerConv(p, x, 'first.', many, few, 3), 'last.', few, many, 3),
  };
}

function peerConv(
  p: PeerRecorder,
  x: string,
  prefix: string,
  cout: number,
  cin: number,
  kernel: number,
  stride = 1,
): string {
  const pad = (kernel - 1) / 2;
  const inputs = [x, p.weight(`${prefix}weight`, [cout, cin, kernel, kernel]), p.vector(`${prefix}bias`, cout)];
  const attributes = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
  return p.m.op('Conv', inputs, attributes);
}
