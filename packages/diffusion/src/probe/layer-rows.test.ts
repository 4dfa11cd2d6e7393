import { conv2d, convWeight, gegluFeedForward, linear, linearWeight, type Conv2dOptions } from '@pleinair/kernels';
import { Graph, WeightScope, type LayerInput } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { layerRows } from './layer-rows.js';

interface Recorder {
  readonly g: Graph;
  readonly scope: WeightScope;
}

/** What the nodes that `record` records multiply, by the weight's name. */
function inputsOf(record: (recorder: Recorder) => void, visibleInputs = false): Map<string, LayerInput> {
  const g = new Graph('test', { dtype: 'f32', visibleInputs });
  g.segment('run');
  record({ g, scope: new WeightScope(g) });
  const inputs = g.segments.flatMap(({ nodes }) => nodes.flatMap(({ layerInputs = [] }) => layerInputs));
  return new Map(inputs.map((input) => [input.weight.source.name, input]));
}

function valuesOf(input: LayerInput): Float32Array[] {
  return input.tensors.map(({ shape }, i) =>
    randomArray(
      shape.reduce((a, b) => a * b, 1),
      7 + i,
    ),
  );
}

function allRows(input: LayerInput, values: readonly Float32Array[]): number[][] {
  const rows = layerRows(input, values);
  return Array.from({ length: rows.count }, (_, row) => {
    const into = new Float64Array(rows.columns).fill(NaN);
    rows.copy(row, into);
    return [...into];
  });
}

const [batch, height, width] = [2, 5, 3];

/** A picture with its zeros around it, pixel by pixel: `[b][y][x]` is its channels. */
function padded(input: LayerInput, values: readonly Float32Array[], upsample: number, crop: readonly [number, number]) {
  const channels = input.tensors.map(({ shape }) => shape[3]!);
  const blank = Array.from({ length: channels.reduce((a, b) => a + b, 0) }, () => 0);
  const pixel = (b: number, y: number, x: number): number[] => {
    if (y < 0 || x < 0 || y >= crop[0] || x >= crop[1]) return blank;
    const at = (b * height + Math.floor(y / upsample)) * width + Math.floor(x / upsample);
    return values.flatMap((each, i) => [...each.subarray(at * channels[i]!, (at + 1) * channels[i]!)]);
  };
  return pixel;
}

describe('layerRows', () => {
  it.each<[string, 1 | 3, number, number, Partial<Conv2dOptions>, readonly [number, number]]>([
    ['3×3', 3, 1, 1, {}, [5, 3]],
    ['1×1', 1, 1, 1, {}, [5, 3]],
    ['3×3 by two', 3, 2, 1, { stride: 2 }, [5, 3]],
    ['3×3 by two, asymmetric', 3, 2, 1, { stride: 2, padding: 'asymmetric' }, [5, 3]],
    ['3×3 doubled', 3, 1, 2, { upsample: 2 }, [10, 6]],
    ['3×3 doubled and cut', 3, 1, 2, { upsample: 2, cropTo: [9, 5] }, [9, 5]],
  ])('takes windows out of pictures as the checkpoint orders weights: %s', (_, kernel, stride, upsample, how, size) => {
    for (const cins of [[3], [2, 5]]) {
      let out: readonly number[] = [];
      const inputs = inputsOf(({ g, scope }) => {
        const [x, second] = cins.map((c, i) => g.input(`x${i}`, [batch, height, width, c]));
        out = conv2d(g, x!, convWeight(scope, 6, cins, kernel), { ...how, second, label: 'conv' }).shape;
      });
      const input = inputs.get('weight')!;
      const values = valuesOf(input);
      const pixel = padded(input, values, upsample, size);
      const pad = how.padding === 'asymmetric' ? 0 : (kernel - 1) / 2;
      const expected: number[][] = [];
      for (let b = 0; b < batch; b++) {
        for (let y = 0; y < out[1]!; y++) {
          for (let x = 0; x < out[2]!; x++) {
            const window = Array.from({ length: kernel * kernel }, (__, tap) =>
              pixel(b, y * stride - pad + Math.floor(tap / kernel), x * stride - pad + (tap % kernel)),
            );
            expected.push(window[0]!.flatMap((___, channel) => window.map((each) => each[channel]!)));
          }
        }
      }
      expect(allRows(input, values)).toEqual(expected);
    }
  });

  it('takes the rows of a linear layer, activated where it activates them', () => {
    const inputs = inputsOf(({ g, scope }) => {
      const x = g.input('x', [batch, 3, 7]);
      linear(g, x, linearWeight(scope.in('plain'), 5, 7), { label: 'plain' });
      linear(g, x, linearWeight(scope.in('silu'), 5, 7), { preActivation: 'silu', label: 'silu' });
    });
    const plain = inputs.get('plain.weight')!;
    const values = valuesOf(plain);
    const rows = allRows(plain, values);
    expect(rows.flat()).toEqual([...values[0]!]);
    expect(allRows(inputs.get('silu.weight')!, values)).toEqual(
      rows.map((row) => row.map((value) => value / (1 + Math.exp(-value)))),
    );
  });
});

describe('a graph of visible inputs', () => {
  const record = ({ g, scope }: Recorder): void => {
    const x = g.input('x', [2, 9, 8]);
    const residual = g.input('residual', [2, 9, 8]);
    gegluFeedForward(g, x, {
      proj: linearWeight(scope.in('proj'), 64, 8),
      out: linearWeight(scope.in('out'), 8, 32),
      residual,
      slices: 2,
      label: 'ff',
    });
  };

  it('shows what a feed-forward else makes on the way', () => {
    expect([...inputsOf(record).keys()]).toEqual(['proj.weight']);
    const inputs = inputsOf(record, true);
    expect([...inputs.keys()]).toEqual(['proj.weight', 'out.weight']);
    expect(inputs.get('out.weight')!.tensors.map(({ shape }) => shape)).toEqual([[2, 9, 32]]);
  });

  it('hides what a norm on load changes', () => {
    const inputs = inputsOf(({ g, scope }) => {
      const x = g.input('x', [1, 4, 4, 8]);
      const affine = g.input('affine', [1, 2, 8], 'f32');
      conv2d(g, x, convWeight(scope, 8, [8], 3), { norm: { affine, silu: true }, label: 'conv' });
    });
    expect(inputs.size).toBe(0);
  });
});
