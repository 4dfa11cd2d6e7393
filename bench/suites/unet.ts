import {
  denoiserGraph,
  PROMPT_SEGMENT,
  readUNetConfig,
  SCHEDULE_SEGMENT,
  STEP_SEGMENT,
  type UNetConfig,
} from '@pleinair/diffusion';
import type { Program } from '@pleinair/tensor';
import {
  expectSame,
  inputValues,
  relativeDifference,
  stored,
  timeLinks,
  toResult,
  type BenchResult,
} from '@pleinair/bench';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadPart, repeated, segmentWork } from '../ours/model-chains.js';
import { openPeerPart } from '../peer/demo-model.js';
import { fromPeer, peerShape, toPeer } from '../peer/layout.js';
import type { BenchContext } from './context.js';

const tokens = 77;
const timestep = 500;
/** Steps of a picture. */
const steps = 20;
const timeIds = [128, 128, 0, 0, 128, 128];

/**
 * The demo model's whole denoising step for a guided pair: ours with guidance and solver, the peer its UNet alone. Keys
 * and values of the prompt and projections of the time embedding are computed before the loop in ours, in every step in
 * the peer, whose export knows no loop.
 */
export async function* demoUnet(context: BenchContext): AsyncGenerator<BenchResult> {
  const { dtype, care, root } = context;
  const model = join(root, 'packages', 'demo-model', 'model');
  const json = JSON.parse(readFileSync(join(model, 'unet', 'config.json'), 'utf8')) as Record<string, unknown>;
  const config = readUNetConfig(json);
  const side = config.sampleSize ?? 16;
  const solver = { slots: 0, drawsNoise: false, evaluations: 1 };
  const shape = { pictures: 1, height: side, width: side, tokens, guided: true, ...solver, dtype };
  const runs = (segment: string): number => (segment === STEP_SEGMENT ? steps : 1);
  const program = await loadPart(context, denoiserGraph(config, shape), { model, folder: 'unet', runs });
  const peer = await openPeerPart(context, 'unet');
  try {
    const inputs = inputsOf(config, side);
    writeInputs(program, inputs);
    await program.run(PROMPT_SEGMENT);
    await program.run(SCHEDULE_SEGMENT);
    const runPeer = peer?.note === undefined && peer && peerRun(context, peer.session, inputs);
    let difference: number | undefined;
    if (runPeer) {
      await program.run(STEP_SEGMENT);
      const ours = (await program.read('planes')) as Float32Array;
      const theirs = context.runtime!.floats((await runPeer())['y'] as Tensor);
      // The step below leaves the conditional half's output in the latents' place.
      difference = relativeDifference(ours, fromPeer(theirs, [2, side, side, 4]).subarray(ours.length));
      expectSame('unet', difference, dtype);
    }
    const engines = [repeated('pleinair', () => program.run(STEP_SEGMENT))];
    if (runPeer) engines.push(repeated('peer', runPeer));
    const [ours, theirs] = await timeLinks(engines, care);
    const { kernels: variant, ...work } = segmentWork(program, STEP_SEGMENT);
    const { intermediatesBytes, weightsBytes } = program.memory;
    yield toResult({
      suite: 'unet',
      shape: `demo model, guided pair, 2×${side}×${side}×4`,
      variant,
      work,
      ours: ours!,
      peer: theirs && { ...theirs, name: context.runtime!.name },
      difference,
      note: peer?.note,
      figures: { intermediatesBytes, weightsBytes },
    });
  } finally {
    program.dispose();
    if (peer?.note === undefined) await peer?.session.release();
  }
}

/** Both engines' inputs, channels last. */
interface Inputs {
  readonly latents: Float32Array<ArrayBuffer>;
  readonly states: Float32Array<ArrayBuffer>;
  readonly pooled: Float32Array<ArrayBuffer>;
  readonly side: number;
  readonly crossDim: number;
  readonly pooledDim: number;
}

function inputsOf(config: UNetConfig, side: number): Inputs {
  const crossDim = config.crossAttentionDim;
  const pooledDim = config.textTime!.inputDim - timeIds.length * config.textTime!.timeEmbedDim;
  return {
    latents: inputValues('latents', [1, side, side, 4]),
    states: inputValues('states', [2, tokens, crossDim]),
    pooled: inputValues('pooled', [2, pooledDim]),
    side,
    crossDim,
    pooledDim,
  };
}

function writeInputs(program: Program, { latents, states, pooled }: Inputs): void {
  program.write('planes', latents);
  program.write('encoder_hidden_states', states);
  program.write('text_embeds', pooled);
  program.write('time_ids', Float32Array.from([...timeIds, ...timeIds]));
  program.write('timesteps', Float32Array.of(timestep, timestep));
  program.write('evaluation', Uint32Array.of(0, 0));
  // Input scale 1, guidance 1; the new latents are 0·latents + 1·output + 0·noise.
  program.write('step', Float32Array.of(1, 1, 0, 1, 0));
}

function peerRun(
  { runtime, dtype }: BenchContext,
  session: InferenceSession,
  { latents, states, pooled, side, crossDim, pooledDim }: Inputs,
): () => Promise<InferenceSession.OnnxValueMapType> {
  const tensor = (values: Float32Array<ArrayBuffer>, shape: readonly number[]): Tensor =>
    runtime!.tensor(stored(toPeer(values, shape), dtype), peerShape(shape));
  const feeds = {
    sample: tensor(Float32Array.from([...latents, ...latents]), [2, side, side, 4]),
    timestep: tensor(Float32Array.of(timestep, timestep), [2]),
    encoder_hidden_states: tensor(states, [2, tokens, crossDim]),
    text_embeds: tensor(pooled, [2, pooledDim]),
    time_ids: tensor(Float32Array.from([...timeIds, ...timeIds]), [2, timeIds.length]),
  };
  return () => session.run(feeds);
}
