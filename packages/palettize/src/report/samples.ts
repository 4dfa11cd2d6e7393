import { markup, Markup } from './html.js';

/** A picture of a report. */
export interface SamplePicture {
  /** What made it, e.g. `original` or `fast 4.50 bits`. */
  readonly label: string;
  /** A PNG file. */
  readonly png: Uint8Array;
}

/** Pictures of one prompt and one seed, the original's first. */
export interface SampleRow {
  readonly prompt: string;
  readonly seed: number;
  readonly pictures: readonly SamplePicture[];
}

/** Sample pictures side by side. */
export function sampleRows(rows: readonly SampleRow[]): Markup {
  return markup`${rows.map(
    ({ prompt, seed, pictures }) => markup`<figure class="samples"><figcaption>“${prompt}”, seed ${seed}</figcaption>
<div class="pictures">${pictures.map(
      ({ label, png }) =>
        markup`<figure><img src="data:image/png;base64,${new Markup(base64(png))}" alt="${prompt}, made with ${label}"><figcaption>${label}</figcaption></figure>`,
    )}</div></figure>`,
  )}`;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  // In pieces: a call takes some ten thousand arguments.
  for (let at = 0; at < bytes.length; at += 0x2000) text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  return btoa(text);
}
