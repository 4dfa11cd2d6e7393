import type { CheckpointKind } from '../checkpoint/recognise.js';
import type { CheckpointSections, Tensors } from '../checkpoint/sections.js';
import { clipTensors, openClipTensors, type TextTensor } from '../checkpoint/text-names.js';
import { textParts, type TextPart } from '../checkpoint/text-config.js';
import { layersPerBlockOf } from '../checkpoint/unet-config.js';
import { unetName } from '../checkpoint/unet-names.js';
import { vaeLevels } from '../checkpoint/vae-config.js';
import { currentVaeName, vaeName } from '../checkpoint/vae-names.js';
import type { ComponentEntry } from '../component.js';
import { WeightError } from '../errors.js';
import type { SafetensorsEntry, SafetensorsFile } from '../safetensors-file.js';
import { transposedFile } from './transposed.js';

/** A part of a single-file checkpoint, under the names of diffusers layout. */
export interface CheckpointPart {
  readonly entries: ReadonlyMap<string, ComponentEntry>;
  /** Names in the part's section of the file that have no place in the layout. */
  readonly unused: readonly string[];
}

/**
 * The UNet of a checkpoint.
 *
 * @param averages - Take the moving averages where there are any, as training code does for samples.
 */
export function unetPart(file: SafetensorsFile, sections: CheckpointSections, averages: boolean): CheckpointPart {
  const { unet, unetAverages } = sections;
  const layers = layersPerBlockOf(unet);
  const tensors = averages ? new Map([...unet, ...unetAverages]) : unet;
  return mapped(file, tensors, (name) => {
    const known = unetName(name, layers);
    return known === undefined ? [] : [{ name: known }];
  });
}

/** The VAE of a checkpoint; nothing where it has none. */
export function vaePart(file: SafetensorsFile, { vae }: CheckpointSections): CheckpointPart {
  const levels = vaeLevels(vae);
  const part = mapped(file, vae, (name) => {
    const known = vaeName(name, levels);
    return known === undefined ? [] : [{ name: currentVaeName(known) }];
  });
  // Attention is of 1×1 convolutions in the original and of linear layers in diffusers: the same numbers.
  const entries = [...part.entries].map(([name, entry]): [string, ComponentEntry] => {
    const projection = /\.attentions\.0\.to_(q|k|v|out\.0)\.weight$/.test(name) && entry.shape.length === 4;
    return [name, projection ? { ...entry, shape: entry.shape.slice(0, 2) } : entry];
  });
  return { ...part, entries: new Map(entries) };
}

/** The text encoders of a checkpoint, by folder. */
export function textPartsOf(
  file: SafetensorsFile,
  kind: CheckpointKind,
  sections: CheckpointSections,
): ReadonlyMap<string, CheckpointPart & { readonly of: TextPart }> {
  return new Map(
    textParts(kind.family, sections.text).map((of) => {
      const names = (name: string): readonly TextTensor[] =>
        of.section.form === 'clip' ? clipTensors(name) : openClipTensors(name, of.layers, of.projected);
      return [of.folder, { of, ...mapped(file, of.section.tensors, names) }];
    }),
  );
}

function mapped(
  file: SafetensorsFile,
  tensors: Tensors,
  namesOf: (name: string) => readonly TextTensor[],
): CheckpointPart {
  const entries = new Map<string, ComponentEntry>();
  const unused: string[] = [];
  for (const [name, entry] of tensors) {
    const made = namesOf(name);
    if (made.length === 0) unused.push(entry.name);
    for (const one of made) {
      if (entries.has(one.name)) {
        throw new WeightError(
          'weights/unknown-checkpoint',
          `${file.path}: expected one tensor for ${one.name}, got two, of which one is ${entry.name}. Download the file again.`,
        );
      }
      entries.set(one.name, placed(file, entry, one));
    }
  }
  return { entries, unused };
}

/** Where a tensor's bytes are found. */
function placed(
  file: SafetensorsFile,
  entry: SafetensorsEntry,
  { name, third, transposed }: TextTensor,
): ComponentEntry {
  if (transposed) {
    const turned = transposedFile(file, entry);
    return { ...turned.entries.get(entry.name)!, name, file: turned };
  }
  if (third === undefined) return { ...entry, name, file };
  const [rows = 0, ...rest] = entry.shape;
  if (rows % 3 !== 0) {
    throw new WeightError(
      'weights/unknown-checkpoint',
      `${entry.name}: expected queries, keys and values of the same size, got ${rows} rows. Download the file again.`,
    );
  }
  const bytes = (entry.end - entry.begin) / 3;
  const begin = entry.begin + third * bytes;
  return { ...entry, name, shape: [rows / 3, ...rest], begin, end: begin + bytes, file };
}
