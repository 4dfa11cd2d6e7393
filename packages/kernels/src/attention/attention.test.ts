import {
  defaultProfile,
  Graph,
  planProgram,
  tensorBytes,
  type DeviceProfile,
  type LoweredNode,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { attention, attentionFamily, attentionVariants } from './attention.js';

const MiB = 2 ** 20;
const lavapipe: DeviceProfile = {
  ...defaultProfile,
  isSoftware: true,
  features: { ...defaultProfile.features, subgroups: true },
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
};

interface Sizes {
  readonly batch?: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
}

/** SDXL's level of 64² tokens, guided: 640 MB of scores in f32, were they all there at once. */
const sdxl = { batch: 2, queries: 4096, keys: 4096, heads: 10, headDim: 64 } as const;
const vae = { queries: 16384, keys: 16384, heads: 1, headDim: 512 } as const;

/** The attention node of a graph that holds nothing else, planned in a variant with this much room. */
function lowered(sizes: Sizes, variant: string, room = 0, profile = defaultProfile): LoweredNode {
  const { batch = 1, queries, keys, heads, headDim } = sizes;
  const g = new Graph('attention', { dtype: 'f16' });
  g.segment('run');
  const [q, k, v] = (['q', 'k', 'v'] as const).map((name) =>
    g.input(name, [batch, name === 'q' ? queries : keys, heads * headDim]),
  );
  g.output('y', attention(g, { q: q!, k: k!, v: v!, heads, label: 'a' }));
  const plan = planProgram(g, profile, {
    scratchBytes: room,
    pick: (_shape, names) => {
      expect(names).toContain(variant);
      return variant;
    },
  });
  return plan.segments[0]!.nodes[0]!;
}

function scratchBytes(node: LoweredNode): number {
  return node.scratch.reduce((sum, t) => sum + tensorBytes(t), 0);
}

function scratchNames(node: LoweredNode): string[] {
  return node.scratch.map(({ name }) => name.split('/').at(-1)!);
}

describe('flash attention', () => {
  it.each(['flash-tiled', 'flash-streamed'])('%s writes no score, nor anything but its output', (variant) => {
    const node = lowered(sdxl, variant, 1e9);
    expect(node.scratch).toEqual([]);
    expect(node.dispatches.length).toBe(1);
    const tensors = node.dispatches[0]!.bindings.flatMap((b) => ('tensor' in b ? [b.tensor.name] : []));
    expect(tensors).toEqual(['q', 'k', 'v', 'a']);
    const operand = 2 * 4096 * 640 * 2;
    expect(node.dispatches[0]!.bytesMoved).toBe(4 * operand);
  });
});

describe('split attention', () => {
  it('has raw scores and two numbers a row for scratch, no softmax of them', () => {
    const node = lowered(sdxl, 'split-tiled64x64', 32 * MiB);
    expect(scratchNames(node)).toEqual(['scores', 'statistics', 'transposed']);
    const [scores, statistics, transposed] = node.scratch;
    expect(scores!.shape[1]).toBe(4096);
    expect(tensorBytes(statistics!)).toBe(scores!.shape[0]! * 16);
    expect(tensorBytes(transposed!)).toBeLessThan(tensorBytes(scores!) / 8);
    // Scores are written once, and read by the statistics and by the second product: nobody writes them a second time.
    const bound = node.dispatches.map(({ kernel, bindings }) => [
      kernel.name,
      bindings.some((b) => 'tensor' in b && b.tensor === scores),
    ]);
    const perTile = bound.filter(([name]) => name !== 'attention/transpose-keys');
    expect(perTile.slice(0, 3)).toEqual([
      ['product/tiled64x64', true],
      ['attention/split-statistics-workgroup', true],
      ['product/tiled64x64', true],
    ]);
    expect(perTile.every(([, reads]) => reads)).toBe(true);
  });

  it('moves what its formula says: every score three times, operands as often as tiles need them', () => {
    const node = lowered({ queries: 256, keys: 256, heads: 8, headDim: 64 }, 'split-tiled64x64', 32 * MiB);
    const scores = 8 * 256 * 256 * 4;
    const operand = 256 * 512 * 2;
    const statistics = 8 * 256 * 16;
    expect(node.dispatches.map(({ kernel, bytesMoved }) => [kernel.name, bytesMoved])).toEqual([
      ['attention/transpose-keys', 2 * operand],
      ['product/tiled64x64', 2 * operand + scores],
      ['attention/split-statistics-workgroup', scores + statistics],
      ['product/tiled64x64', scores + statistics + 2 * operand],
    ]);
    const { flops } = node.dispatches.reduce((a, b) => ({ flops: a.flops + b.flops }), { flops: 0 });
    expect(flops).toBe(4 * 256 * 256 * 512 + 3 * 8 * 256 * 256);
  });

  it('takes as many heads as there is room for, and the fewest where there is none', () => {
    const small = { queries: 256, keys: 256, heads: 20, headDim: 64 } as const;
    const perHead = 256 * (256 * 4 + 16) + 256 * 64 * 2;
    const headsAt = (room: number): number => lowered(small, 'split-tiled64x64', room).scratch[0]!.shape[0]! / 256;
    expect(headsAt(0)).toBe(Math.floor((4 * MiB) / perHead));
    expect(headsAt(18 * perHead)).toBe(18);
    expect(headsAt(1e9)).toBe(20);
    for (const room of [0, 5 * MiB, 18 * perHead, 1e9]) {
      expect(scratchBytes(lowered(small, 'split-tiled64x64', room))).toBeLessThanOrEqual(Math.max(room, 4 * MiB));
    }
    // A head of 4096² scores does not fit: a run of its queries at a time, within the room.
    for (const room of [0, 10 * MiB, 40 * MiB, 1e9]) {
      const node = lowered(sdxl, 'split-tiled64x64', room);
      expect(node.scratch[0]!.shape[0]! % 64).toBe(0);
      expect(tensorBytes(node.scratch[0]!)).toBeLessThanOrEqual(Math.min(Math.max(room, 4 * MiB), 32 * MiB));
    }
  });

  it('keeps within cache on software adapters, whatever room there is', () => {
    const tight = lowered(sdxl, 'split-columns32x32', 0, lavapipe);
    const roomy = lowered(sdxl, 'split-columns32x32', 1e9, lavapipe);
    expect(tensorBytes(tight.scratch[0]!)).toBeLessThanOrEqual(4 * MiB);
    expect(tensorBytes(roomy.scratch[0]!)).toBeLessThanOrEqual(4 * MiB);
  });

  it('never raises the peak of a plan', () => {
    const peak = (variant: string): number => {
      const g = new Graph('peak', { dtype: 'f16' });
      g.segment('run');
      const x = g.input('x', [2, 1024, 320]);
      // The wide tensor is what the plan peaks at; attention before it has that much room.
      const attended = attention(g, { q: x, k: x, v: x, heads: 8, label: 'a' });
      const wide = g.tensor('wide', [2, 1024, 10240]);
      g.add({ op: 'probe', label: 'widen', inputs: [attended], weights: [], outputs: [wide], lower: () => [] });
      const end = g.tensor('end', [4]);
      g.add({ op: 'probe', label: 'end', inputs: [wide], weights: [], outputs: [end], lower: () => [] });
      g.output('y', end);
      const plan = planProgram(g, defaultProfile, { pick: () => variant });
      if (variant.startsWith('split')) {
        expect(tensorBytes(plan.segments[0]!.nodes[0]!.scratch[0]!)).toBeGreaterThan(24 * MiB);
      }
      return plan.intermediatesBytes;
    };
    expect(peak('split-tiled64x64')).toBe(peak('flash-tiled'));
  });

  it('bounds scores and transposed keys of the VAE’s wide head', () => {
    const tight = lowered(vae, 'split-tiled64x64', 0);
    expect(scratchBytes(tight)).toBeLessThan(8 * MiB + 64 * 1024);
    const roomy = lowered(vae, 'split-tiled64x64', 64 * MiB);
    // All keys lie transposed at once: they are laid down once, not for every tile of queries.
    const transposals = (node: LoweredNode): number =>
      node.dispatches.filter(({ kernel }) => kernel.name === 'attention/transpose-keys').length;
    expect(transposals(roomy)).toBe(1);
    expect(transposals(tight)).toBeGreaterThan(1);
    expect(scratchBytes(roomy)).toBeLessThan(64 * MiB);
  });
});

describe('families', () => {
  it('name every variant, and nothing else', () => {
    const families = new Map(attentionVariants.map(({ name, family }) => [name, family]));
    expect(families.size).toBe(attentionVariants.length);
    for (const [name, family] of families) expect(attentionFamily(name)).toBe(family);
    expect(attentionFamily('flash-tiled')).toBe('flash');
    expect(attentionFamily('split-tiled64x64')).toBe('split');
    expect(attentionFamily('split-columns32x32')).toBe('subgroup');
    expect(attentionFamily('tiled64x64')).toBeUndefined();
  });

  it('are offered wherever the adapter supports them', () => {
    const offered = (sizes: Sizes, profile: DeviceProfile): Set<string | undefined> => {
      const g = new Graph('offer', { dtype: 'f16' });
      g.segment('run');
      const q = g.input('q', [1, sizes.queries, sizes.heads * sizes.headDim]);
      attention(g, { q, k: q, v: q, heads: sizes.heads, label: 'a' });
      const seen = new Set<string | undefined>();
      planProgram(g, profile, {
        pick: (_shape, names) => {
          for (const name of names) seen.add(attentionFamily(name));
          return undefined;
        },
      });
      return seen;
    };
    expect(offered(sdxl, defaultProfile)).toEqual(new Set(['flash', 'split']));
    expect(offered(sdxl, lavapipe)).toEqual(new Set(['flash', 'split', 'subgroup']));
    expect(offered(vae, lavapipe)).toEqual(new Set(['split', 'subgroup']));
  });
});
