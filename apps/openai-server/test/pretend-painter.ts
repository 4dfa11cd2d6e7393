import { CancelledError } from '@pleinair/tensor';
import type { GenerateRequest, GenerateResult, Picture } from 'pleinair';
import type { ShelfPainter } from '../src/model-shelf.js';

/** Paints flat pictures at the pace a test sets, so that queues and cancels can be looked at closely. */
export class PretendPainter implements ShelfPainter {
  readonly adapter = 'pretended';
  readonly config = { defaults: { width: 32, height: 24, steps: 4 } };
  readonly requests: GenerateRequest[] = [];
  disposed = 0;
  cancelled = 0;
  /** Thrown by the next picture. */
  failure: Error | undefined;
  /** Thrown by the next picture after its first step. */
  failureInMidRun: Error | undefined;
  private held: Promise<void> | undefined;

  /** Pictures wait before their second step until the function that is returned is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      this.held = undefined;
      release();
    };
  }

  async generate(request: GenerateRequest): Promise<GenerateResult> {
    this.requests.push(request);
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    const { width = 32, height = 24, steps = 4, count = 1, seed = 11, preview = 'off', previewEvery = 1 } = request;
    // Bright to dark, left to right: a picture that formats and sizes can be told by.
    const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : 250 - (200 * (Math.floor(i / 4) % width)) / width,
    );
    const pixels = { width, height, rgba };
    const made = { seed, steps, width, height, guidance: 1, scheduler: 'euler', rng: 'torch' as const };
    const prompt = typeof request.prompt === 'string' ? request.prompt : '';
    const origin = { ...made, prompt, model: 'pretended' };
    const images: Picture[] = [];
    for (let picture = 0; picture < count; picture++) {
      for (let step = 1; step <= steps; step++) {
        if (step > 1) await Promise.race([this.held, aborted(request.signal)]);
        if (step > 1 && this.failureInMidRun) throw this.failureInMidRun;
        if (request.signal?.aborted) {
          this.cancelled++;
          throw new CancelledError('generate');
        }
        const due = preview !== 'off' && (step % previewEvery === 0 || step === steps);
        const report = { picture, step, steps, timestep: 0, stepsPerSecond: 1 };
        await request.onStep?.(due ? { ...report, preview: pixels } : report);
      }
      images.push({ ...pixels, seed: seed + picture, latents: new Float32Array(0) });
      await request.onImage?.(images[picture]!, origin);
    }
    // Nothing else of a result is looked at.
    return { ...origin, images } as unknown as GenerateResult;
  }

  dispose(): void {
    this.disposed++;
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}
