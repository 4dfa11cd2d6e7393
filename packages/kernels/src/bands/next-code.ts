import type { Graph, Tensor } from '@pleinair/tensor';
import { padTo4 } from '../product/layout.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', channels: 'u32', group_channels: 'u32' } satisfies UniformFields;

/**
 * The code that a picture is to be stored by next, from the moments of what is stored now: values less their group's mean,
 * over its deviation where that is above 1. So halves hold values of any size, to a part in 2048 of a deviation, while a
 * layer does not make them thousands of times larger. A code is a scale and a shift per channel: what is stored, times the
 * scale, plus the shift, is the value.
 *
 * @param moments - f32 `[groups, 4]` as `groupMoments` gives them, of stored values.
 * @param options.before - The code they are stored by; none where they are stored as they are.
 * @returns f32 `[1, 2, C']`, pad lanes 1 and 0.
 * @throws ShapeError `shape/mismatch`.
 */
export function nextCode(
  g: Graph,
  moments: Tensor,
  options: { readonly channels: number; readonly before?: Tensor; readonly label: string },
): Tensor {
  const { channels, before, label } = options;
  const where = `nextCode ${label}`;
  const [groups = 0] = moments.shape;
  expectShape(where, 'moments of', moments, [groups, 4]);
  expectThat(where, groups > 0 && channels % groups === 0, `groups to divide ${channels} channels, got ${groups}.`);
  const count = padTo4(channels);
  if (before) expectShape(where, 'a code of', before, [1, 2, count]);
  const out = g.tensor(label, [1, 2, count], 'f32');
  g.add({
    op: 'nextCode',
    label,
    inputs: before ? [moments, before] : [moments],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const kernel = elementKernel(
        {
          name: 'bands/next-code',
          buffers: [
            tensorBuffer('moments', moments, profile),
            ...(before ? [wordBuffer('before')] : []),
            wordBuffer('code'),
          ],
          uniforms: fields,
        },
        `  var scale = 1.0;
  var shift = 0.0;
  if (i < u.channels) {
    let own = load_moments(i / u.group_channels);
    scale = max(1.0, sqrt(own.z / own.x));
    shift = own.y;
${
  before
    ? `    let was = bitcast<f32>(before[i]);
    shift = fma(shift, was, bitcast<f32>(before[u.count + i]));
    scale *= was;`
    : ''
}
  }
  code[i] = bitcast<u32>(scale);
  code[u.count + i] = bitcast<u32>(shift);`,
      );
      return [
        {
          kernel,
          bindings: [{ tensor: moments }, ...(before ? [{ tensor: before }] : []), { tensor: out }],
          uniforms: uniformData(fields, { count, channels, group_channels: channels / groups }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: channels * 6,
          bytesMoved: groups * 16 + count * (before ? 16 : 8),
        },
      ];
    },
  });
  return out;
}
