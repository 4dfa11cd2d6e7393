import { timeLinks } from '../measure/chain.js';
import { expectSame, relativeDifference } from '../measure/difference.js';
import type { OpCase } from '../ops/op-case.js';
import { OursChains } from '../ours/op-chains.js';
import { PeerChains } from '../peer/op-chains.js';
import type { BenchResult } from '../report/report.js';
import { opCases, type OpSuite } from '../shapes.js';
import { toResult, type BenchContext, type Suite } from './context.js';

/** The suite of one family of operations. */
export function opSuite(name: OpSuite): Suite {
  return async function* (context) {
    for (const op of opCases(name, context.device.profile.isSoftware)) {
      if (context.filter === undefined || op.shape.includes(context.filter)) yield await measure(op, context);
    }
  };
}

async function measure(op: OpCase, context: BenchContext): Promise<BenchResult> {
  const { device, dtype, pick, peer: runtime } = context;
  const ours = new OursChains(device, op, { dtype, pick });
  const peer = runtime && new PeerChains(runtime, op, dtype);
  const difference = peer && (await compare(op, ours, peer));
  if (difference !== undefined) expectSame(`${op.suite} ${op.shape}`, difference, dtype);
  const [oursTime, peerTime] = await timeLinks(peer ? [ours, peer] : [ours], context.care);
  const { kernels, ...work } = ours.link();
  const { suite, shape } = op;
  const variant = kernels.slice(0, 3).join(', ');
  return toResult({ suite, shape, variant, work, ours: oursTime!, peer: peerTime, difference }, context);
}

/** Relative RMS difference of the outputs of chains of two. */
async function compare(op: OpCase, ours: OursChains, peer: PeerChains): Promise<number> {
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
