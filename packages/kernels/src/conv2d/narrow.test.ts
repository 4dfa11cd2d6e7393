import { defaultProfile, Graph, plainRows, planProgram, WeightScope, type DeviceProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { convWeight } from './conv2d.js';
import { narrowConv, narrowingBands } from './narrow.js';
import { add, scaleBy } from '../latent/elementwise.js';

describe('bands of a narrowing convolution', () => {
  it.each([
    [1, 0.5],
    [64, 0.5],
    [300, 0.75],
    [262144, 0.5],
    [100003, 1 / 3],
  ])('%i rows at a ratio of %f: every row once, none written before it is read', (rows, ratio) => {
    const bands = narrowingBands(rows, ratio);
    let read = 0;
    for (const [i, { first, end }] of bands.entries()) {
      expect(first).toBe(read);
      expect(end).toBeGreaterThan(first);
      expect(first % 64).toBe(0);
      // The first band goes through a tensor of its own.
      if (i > 0) expect(end * ratio).toBeLessThanOrEqual(first);
      read = end;
    }
    expect(read).toBe(rows);
    expect(bands[0]!.end).toBeLessThanOrEqual(Math.max(192, rows / 256));
  });
});

/** x, doubled so that it is the graph's own, narrowed; with `keep` it is needed afterwards. */
function graph(keep: boolean): Graph {
  const g = new Graph('narrow', { dtype: 'f16' });
  g.segment('run');
  const scope = new WeightScope(g);
  const x = scaleBy(g, g.input('x', [1, 64, 64, 256]), 2, { label: 'double' });
  const bias = scope.weight('bias', [128], plainRows);
  const y = narrowConv(g, x, convWeight(scope, 128, [256], 1), { bias, label: 'narrow' });
  g.output('y', add(g, y, y, { label: 'sum' }));
  if (keep) g.output('kept', scaleBy(g, x, 1, { label: 'kept' }));
  return g;
}

describe('memory of a narrowing convolution', () => {
  const input = 64 * 64 * 256 * 2;

  it('is its input and a sliver', () => {
    expect(planProgram(graph(false), defaultProfile).intermediatesBytes).toBeLessThanOrEqual(input * 1.01);
  });

  it('is input and output where the input lives on', () => {
    expect(planProgram(graph(true), defaultProfile).intermediatesBytes).toBe(input * 1.5);
  });

  it('its kernels compile', async () => {
    const software: DeviceProfile = {
      ...defaultProfile,
      isSoftware: true,
      features: { ...defaultProfile.features, shaderF16: false },
    };
    const dispatches = [defaultProfile, software].flatMap((profile) =>
      planProgram(graph(false), profile).segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches)),
    );
    expect(await tintErrors(kernelsOf(dispatches))).toEqual([]);
  });
});
