import { timeLinks } from '../measure/chain.js';
import { expectSame, isSame, relativeDifference } from '../measure/difference.js';
import type { OpCase } from '../ops/op-case.js';
import { OursChains } from '../ours/op-chains.js';
import { forced } from '../ours/variants.js';
import { PeerChains } from '../peer/op-chains.js';
import type { BenchResult } from '../report/report.js';
import { opCases, type OpSuite } from '../shapes.js';
import { toResult, type BenchContext, type Suite } from './context.js';
import { variantsOf } from './op-variants.js';

/** The suite of one family of operations. */
export function opSuite(name: OpSuite): Suite {
  return async function* (context) {
    for (const op of opCases(name, context.device.profile.isSoftware)) {
      if (context.filter !== undefined && !op.shape.includes(context.filter)) continue;
      if (context.variants) {
        yield* variantsOf(op, context);
        continue;
      }
      const result = await measure(op, context).catch((error: unknown) =>
        context.fail({
          suite: op.suite,
          shape: op.shape,
          reason: error instanceof Error ? error.message : String(error),
        }),
      );
      if (result) yield result;
    }
  };
}

async function measure(op: OpCase, context: BenchContext): Promise<BenchResult> {
  const { device, dtype, pick, care, peer: runtime } = context;
  const { suite, shape } = op;
  const ours = new OursChains(device, op, { dtype, pick: pick === undefined ? undefined : forced(pick) });
  let peer: PeerChains | undefined;
  let difference: number | undefined;
  let note: string | undefined;
  if (runtime) {
    peer = new PeerChains(runtime, op, dtype);
    difference = await compare(ours, peer);
    if (!isSame(difference, dtype) && op.exported) {
      note = `${runtime.name}'s own operator is off by ${difference.toPrecision(1)} here: timed as exported`;
      peer = new PeerChains(runtime, op, dtype, 'exported');
      difference = await compare(ours, peer);
    }
    expectSame(`${suite} ${shape}`, difference, dtype);
  }
  const [oursTime, peerTime] = await timeLinks(peer ? [ours, peer] : [ours], care);
  const { kernels, ...work } = ours.link();
  const variant = ours.variant();
  return toResult({ suite, shape, variant, kernels, work, ours: oursTime!, peer: peerTime, difference, note }, context);
}

/** Relative RMS difference of the outputs of chains of two. */
async function compare(ours: OursChains, peer: PeerChains): Promise<number> {
  const outputs: Float32Array[] = [];
  for (const engine of [ours, peer]) {
    const chain = await engine.build(2);
    try {
      await chain.run();
      outputs.push(await chain.output());
    } finally {
      await chain.dispose();
    }
  }
  return relativeDifference(outputs[0]!, outputs[1]!);
}
