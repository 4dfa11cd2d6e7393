import { throwIfCancelled } from '@pleinair/tensor';
import { expectSame, relativeDifference } from '../measure/difference.js';
import { timeLinks } from '../measure/chain.js';
import type { OpCase } from '../ops/op-case.js';
import { OursChains } from '../ours/op-chains.js';
import { choice } from './choice.js';
import type { BenchResult } from '../report/report.js';
import { outputOf, tryOut, type OpContext, type OutputChains, type Peer } from './context.js';
import { toResult } from './to-result.js';
import { measurePalettized } from './measure-palettized.js';
import { measureVariants } from './measure-variants.js';

/**
 * Measures an operation: one result, or one for each variant where the context asks for them. What cannot be measured is
 * handed to `context.fail`.
 *
 * @throws {@link CancelledError} When the context's signal fires.
 * @throws {@link DeviceLostError}
 */
export async function* measureOp(op: OpCase, context: OpContext): AsyncGenerator<BenchResult> {
  try {
    if (context.variants) yield* measureVariants(op, context);
    else if (op.palette) yield await measurePalettized(op, context);
    else yield await measureOne(op, context);
  } catch (error) {
    throwIfCancelled(context.signal, 'bench');
    context.device.check();
    const { suite, shape } = op;
    context.fail({ suite, shape, reason: error instanceof Error ? error.message : String(error) });
  }
}

async function measureOne(op: OpCase, context: OpContext): Promise<BenchResult> {
  const { device, dtype, care, peer, signal } = context;
  const { suite, shape } = op;
  const ours = new OursChains(device, op, { dtype, pick: await choice(op, context), signal });
  const agreeing = peer && (await agreeingForm(op, ours, peer, dtype));
  const [oursTime, peerTime] = await timeLinks(agreeing ? [ours, agreeing.chains] : [ours], care);
  const { kernels, ...work } = ours.link();
  return toResult({
    suite,
    shape,
    variant: ours.variant(),
    kernels,
    work,
    ours: oursTime!,
    peer: peer && peerTime && { ...peerTime, name: peer.name },
    difference: agreeing?.difference,
    note: agreeing?.note,
  });
}

/** Runs by which the fastest of several forms is told. */
const formRuns = 2;

/** The fastest of the peer's forms whose outcome is ours up to rounding: times of something else mean nothing. */
async function agreeingForm(
  op: OpCase,
  ours: OutputChains,
  peer: Peer,
  dtype: 'f32' | 'f16',
): Promise<{ readonly chains: OutputChains; readonly difference: number; readonly note?: string }> {
  const forms = peer.forms(op, dtype);
  const expected = await outputOf(ours);
  const outOf: string[] = [];
  let fastest: { chains: OutputChains; difference: number; name: string; bestMs: number } | undefined;
  let error: unknown = new Error(`${op.shape}: expected ${peer.name} to have a form of it, got none.`);
  for (const { name, chains } of forms) {
    try {
      const { output, bestMs } = await tryOut(chains, forms.length > 1 ? formRuns : 0);
      const difference = relativeDifference(expected, output);
      expectSame(`${op.suite} ${op.shape}`, difference, dtype);
      if (!fastest || bestMs < fastest.bestMs) fastest = { chains, difference, name, bestMs };
    } catch (cause) {
      // Engines lack operators, or have wrong ones, on some adapters; another form may serve.
      error = cause;
      outOf.push(
        `its ${name} does not serve: ${cause instanceof Error ? firstSentence(cause.message) : String(cause)}`,
      );
    }
  }
  if (!fastest) throw error;
  const { chains, difference, name } = fastest;
  const note = forms.length > 1 ? [...outOf, `timed ${peer.name}'s ${name}`].join('; ') : undefined;
  return { chains, difference, note };
}

function firstSentence(message: string): string {
  return message.split(/(?<=[.!])\s|\n/, 1)[0]!;
}
