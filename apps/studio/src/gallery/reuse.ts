import type { PictureSettings } from 'pleinair';
import type { MakeForm } from '../make/make-store.js';
import { goTo } from '../routes.js';
import { chooseModel } from '../models/choose-model.js';
import { demoModel } from '../models/demo-model.js';
import { chosenModel } from '../models/models-store.js';
import type { StudioModel } from '../models/studio-model.js';
import type { Studio } from '../studio.js';

/** The form that makes a picture again, as far as it can be said in the form. */
export function formOf(settings: PictureSettings): Partial<MakeForm> {
  const { prompt, negative, width, height, steps, guidance, scheduler, seed, strength } = settings;
  return {
    prompt,
    negative: negative ?? '',
    width,
    height,
    steps,
    guidance,
    seed,
    seedMode: 'keep',
    count: 1,
    // A class name stands for the model's own scheduler, which the form leaves to it.
    scheduler: scheduler.endsWith('Scheduler') ? '' : scheduler,
    ...(strength !== undefined && { strength }),
  };
}

/** Settings of a picture, and where they come from. */
export interface Reused {
  readonly settings: PictureSettings;
  /** Id of Studio's model where the picture is of this gallery; else it is looked for by the name in the settings. */
  readonly model?: string;
}

/** Puts a picture's settings into the form and goes there; the notice names what could not be restored. */
export function reuse(
  studio: Pick<Studio, 'models' | 'make' | 'start' | 'toasts'>,
  { settings, model: id }: Reused,
  note = 'Its settings are in the form.',
): void {
  const { models, make, start, toasts } = studio;
  const model = findModel(models.getState().models, settings.model, id);
  // What suits the model first, such as its sizes; then what the picture was made with.
  if (model && model.id !== chosenModel(models.getState()).id) chooseModel(studio, model.id);
  make.getState().change(formOf(settings));
  // It was made from noise: with the picture that is there to begin with it would be another.
  if (settings.strength === undefined) start.getState().clear();
  const lost = [...(model ? [] : [`the model ${settings.model}`]), ...notInForm(settings)];
  if (lost.length === 0) toasts.getState().say(note);
  else toasts.getState().say(`${note} Not restored: ${lost.join(', ')}.`, { tone: 'warning' });
  goTo('make');
}

/** The model a picture was made with, where it is here and can run. */
export function findModel(models: readonly StudioModel[], name: string, id?: string): StudioModel | undefined {
  const able = models.filter(({ unable }) => unable === undefined);
  if (id !== undefined) return able.find((each) => each.id === id);
  if (name === demoName) return able.find((each) => each.id === demoModel.id);
  return able.find((each) => lastPart(each.id) === lastPart(name) && each.id !== demoModel.id);
}

/** What the demo model calls itself inside pictures. */
const demoName = 'pleinair-demo';

/** Inside pictures a model goes by the last part of its place. */
function lastPart(place: string): string | undefined {
  return place
    .replace(/\.safetensors$/i, '')
    .split(/[/\\]/)
    .at(-1);
}

/** What a picture was made with that the form has no place for, in words. */
export function notInForm(settings: PictureSettings): string[] {
  const { strength, prompt2, negative2, clipSkip, guidanceRescale, refinerStart, rng, loras } = settings;
  const names = Object.keys(loras ?? {});
  return [
    strength !== undefined && 'the picture it began with',
    prompt2 !== undefined && 'its second prompt',
    negative2 !== undefined && 'its second negative prompt',
    clipSkip !== undefined && `CLIP skip ${clipSkip}`,
    guidanceRescale !== undefined && `guidance rescale ${guidanceRescale}`,
    refinerStart !== undefined && `the refiner from ${refinerStart}`,
    names.length > 0 && `LoRAs (${names.join(', ')})`,
    rng !== undefined && rng !== 'torch' && `random numbers of ${rng}`,
  ].filter((each) => each !== false);
}
