import { expectSame, relativeDifference } from '../measure/difference.js';
import { timeLinks } from '../measure/chain.js';
import type { OpCase } from '../ops/op-case.js';
import { OursChains } from '../ours/op-chains.js';
import { halvesPeer, type BenchResult } from '../report/report.js';
import { choice } from './choice.js';
import { outputOf, type OpContext } from './context.js';
import { toResult } from './to-result.js';

/**
 * Times an operation with palettized weights beside our own kernels on the same weights as half floats, taking turns. A
 * ratio above 1 says that palettized weights are the faster ones. Each side runs in the variants that are best for it.
 */
export async function measurePalettized(op: OpCase, context: OpContext): Promise<BenchResult> {
  const { device, dtype, care, signal } = context;
  const { suite, shape } = op;
  const [packed, decoded] = [
    new OursChains(device, op, { dtype, pick: await choice(op, context), signal }),
    new OursChains(device, op, {
      dtype,
      pick: await choice(op, context, { decoded: true }),
      signal,
      decoded: true,
      name: halvesPeer,
    }),
  ];
  const difference = relativeDifference(await outputOf(packed), await outputOf(decoded));
  expectSame(`${suite} ${shape}`, difference, dtype);
  const [ours, halves] = await timeLinks([packed, decoded], care);
  const { kernels, ...work } = packed.link();
  return toResult({
    suite,
    shape,
    variant: packed.variant(),
    kernels,
    work,
    ours: ours!,
    peer: { ...halves!, name: decoded.name },
    difference,
    note: `activations ${dtype}; fp16 in ${decoded.variant()}`,
    figures: { weightsBytes: packed.weightsBytes(), fp16WeightsBytes: decoded.weightsBytes() },
  });
}
