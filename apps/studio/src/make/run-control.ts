import type { PictureOrder, PictureStart, Pixels, RunEnd, RunNews } from '../engine/protocol.js';
import { holdUnkept } from '../gallery/unkept.js';
import { chosenModel } from '../models/models-store.js';
import type { KeptPicture } from '../storage/database.js';
import type { Studio } from '../studio.js';
import type { MakeForm } from './make-store.js';
import { restingRun } from './run-store.js';
import { loadingWords } from './run-words.js';
import { largestSeed } from './seed-field.js';
import { lookForAdapter } from '../client/adapter-store.js';

/**
 * Paints what the form asks for. Does nothing while a run is under way, or with a model that cannot paint or is yet to be found.
 *
 * @param changes - Made to the form first. A seed among them is painted with, whatever the form says of seeds.
 */
export async function startRun(studio: Studio, changes: Partial<MakeForm> = {}): Promise<void> {
  const { run, make, models } = studio;
  if (run.getState().phase.kind !== 'idle' || chosenModel(models.getState()).unable !== undefined) return;
  const { form, change } = make.getState();
  const seed = changes.seed ?? (form.seedMode === 'random' ? randomSeed() : form.seed);
  change({ ...changes, seed });
  await paint(studio, orderOf(studio, { ...form, ...changes, seed }), []);
}

/**
 * Paints again what failed, with the seed that was drawn for it. Pictures of it that are finished are not painted twice, as long as
 * the form still asks for the same ones.
 *
 * @param changes - Made to the form first.
 */
export async function tryAgain(studio: Studio, changes: Partial<Pick<MakeForm, 'memory'>> = {}): Promise<void> {
  const { run, make, models } = studio;
  const { phase, order: last, made } = run.getState();
  if (phase.kind !== 'idle' || chosenModel(models.getState()).unable !== undefined) return;
  make.getState().change(changes);
  const order = orderOf(studio, make.getState().form);
  const goesOn = last !== undefined && samePictures(last, order) && made.length < order.count;
  await paint(studio, order, goesOn ? made : []);
}

/** @param made - Pictures of the order that are finished: the first ones. */
async function paint(studio: Studio, order: PictureOrder, made: readonly string[]): Promise<void> {
  const { run, engine, models } = studio;
  const model = chosenModel(models.getState()).id;
  const { shown } = run.getState();
  run.setState({ ...restingRun, shown, order, made, phase: { kind: 'loading', words: 'Starting', share: undefined } });

  const kept: Promise<void>[] = [];
  // Picture i of an order has its seed plus i.
  const missing = { ...order, seed: order.seed + made.length, count: order.count - made.length };
  const end = await engine.paint(missing, (news) => {
    if (news.kind === 'picture') kept.push(keepPicture(studio, news, model));
    else takeNews(studio, news, order.count, made.length);
  });
  await Promise.all(kept);
  finish(studio, end);
}

/** Whether two orders give the same pictures; there may be more of one. */
function samePictures(a: PictureOrder, b: PictureOrder): boolean {
  // How they are painted, not what.
  const free = { memory: undefined, preview: undefined, count: undefined };
  return equal({ ...a, ...free }, { ...b, ...free });
}

/** Compares what orders are made of; blobs and pixels are equal only to themselves. */
function equal(a: unknown, b: unknown): boolean {
  if (!isPlain(a) || !isPlain(b)) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal(a[key], b[key]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Stops the run; what is finished stays. */
export async function cancelRun({ run, engine }: Studio): Promise<void> {
  if (run.getState().phase.kind === 'idle') return;
  run.setState({ cancelling: true });
  await engine.cancel();
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % (largestSeed + 1);
}

function orderOf({ models, start }: Studio, form: MakeForm): PictureOrder {
  const { prompt, negative, width, height, steps, guidance, scheduler, seed, count, preview, memory } = form;
  const { image, mask } = start.getState();
  return {
    model: chosenModel(models.getState()).spot,
    memory,
    prompt,
    ...(negative.trim() !== '' && { negativePrompt: negative }),
    width,
    height,
    steps,
    guidance,
    seed,
    count,
    preview,
    ...(scheduler !== '' && { scheduler }),
    ...(image && { start: { image: image.blob, strength: form.strength, ...(mask && maskedBy(form, mask)) } }),
  };
}

function maskedBy({ maskBlur, pasteBack, onlyMasked, maskPadding }: MakeForm, mask: Pixels): Partial<PictureStart> {
  // What is cut out is put back, always.
  return onlyMasked ? { mask, maskBlur, pasteBack: true, maskPadding } : { mask, maskBlur, pasteBack };
}

/** @param before - Pictures that were finished when the run began; the news count from there. */
function takeNews({ run }: Studio, news: Exclude<RunNews, { kind: 'picture' }>, count: number, before: number): void {
  switch (news.kind) {
    case 'loading': {
      const share = news.total > 0 ? news.loaded / news.total : undefined;
      run.setState({ phase: { kind: 'loading', words: loadingWords(news), share } });
      break;
    }
    case 'step': {
      const { step, steps, stepsPerSecond, preview } = news;
      const picture = before + news.picture;
      const left = steps - step + (count - picture - 1) * steps;
      const secondsLeft = left / stepsPerSecond;
      run.setState(({ preview: last }) => ({
        phase: { kind: 'painting', picture, count, step, steps, stepsPerSecond, secondsLeft },
        preview: preview ?? last,
      }));
      break;
    }
    case 'device-lost':
      run.setState({
        notice: `The GPU was lost after step ${news.step}. Another was asked for; the run goes on from there.`,
      });
      break;
  }
}

async function keepPicture(
  studio: Studio,
  { made }: Extract<RunNews, { kind: 'picture' }>,
  model: string,
): Promise<void> {
  const { run, shelf } = studio;
  let picture: KeptPicture;
  try {
    picture = await shelf.keep(made, model);
    // Else the browser may clear the gallery by itself when the disk fills.
    void navigator.storage?.persist?.();
  } catch (error) {
    picture = { ...made, model, id: crypto.randomUUID(), madeAt: Date.now() };
    holdUnkept(studio, [picture], error);
  }
  run.setState(({ made: before }) => ({ shown: picture.id, made: [...before, picture.id] }));
}

function finish({ run, adapter, engine }: Studio, end: RunEnd): void {
  const settled = { phase: { kind: 'idle' }, cancelling: false, preview: undefined } as const;
  switch (end.kind) {
    case 'done':
      run.setState({ ...settled, end, notice: end.notes.join(' ') });
      break;
    case 'cancelled':
      run.setState({ ...settled, end, notice: 'Cancelled.' });
      break;
    case 'failed':
      run.setState({ ...settled, failure: end });
      if (end.code === 'device/no-adapter') void lookForAdapter(adapter, engine);
      break;
  }
}
