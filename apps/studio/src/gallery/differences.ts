import type { PictureSettings } from 'pleinair';

/** A setting of two pictures. */
export interface SettingPair {
  readonly name: string;
  readonly left: string;
  readonly right: string;
}

const names: readonly (readonly [key: keyof PictureSettings, name: string])[] = [
  ['prompt', 'Prompt'],
  ['prompt2', 'Second prompt'],
  ['negative', 'Negative prompt'],
  ['negative2', 'Second negative prompt'],
  ['model', 'Model'],
  ['width', 'Width'],
  ['height', 'Height'],
  ['steps', 'Steps'],
  ['guidance', 'Guidance'],
  ['guidanceRescale', 'Guidance rescale'],
  ['scheduler', 'Scheduler'],
  ['seed', 'Seed'],
  ['rng', 'Generator'],
  ['strength', 'Strength'],
  ['clipSkip', 'CLIP skip'],
  ['refinerStart', 'Refiner from'],
  ['loras', 'LoRAs'],
  ['version', 'Pleinair'],
];

/** Settings in which two pictures differ, in the order of the form; `–` stands for none. */
export function differences(left: PictureSettings, right: PictureSettings): SettingPair[] {
  return names
    .map(([key, name]) => ({ name, left: said(left[key]), right: said(right[key]) }))
    .filter((pair) => pair.left !== pair.right);
}

function said(value: PictureSettings[keyof PictureSettings]): string {
  if (value === undefined || value === '') return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
