import type { PictureSettings } from 'pleinair';
import type { MakeForm } from '../make/make-store.js';
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

/** Puts a picture's settings into the form and goes there. */
export function reuse(
  { make, start, toasts }: Studio,
  settings: PictureSettings,
  note = 'Its settings are in the form.',
): void {
  make.getState().change(formOf(settings));
  // It was made from noise: with the picture that is there to begin with it would be another.
  if (settings.strength === undefined) start.getState().clear();
  toasts.getState().say(note);
  location.hash = '#/make';
}
