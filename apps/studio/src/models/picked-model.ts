import type { ModelSpot } from './studio-model.js';

/** A file and where it lies in what was picked. */
export type PickedFile = readonly [path: string, file: File];

/** A model that was picked from this computer, or why what was picked is none. */
export type PickedModel =
  | { readonly kind: 'model'; readonly title: string; readonly spot: ModelSpot }
  | { readonly kind: 'refused'; readonly why: string };

/** Python's own forms of weights. */
const pickles = /\.(ckpt|pt|pth|bin|pkl)$/i;

/** Weights in whatever form. */
const weights = /\.(safetensors|sft|gguf)$/i;

/** Whether what was dropped is meant as a model: a folder, or weights, in a form that can be read or not. */
export function isModelDrop(files: readonly PickedFile[]): boolean {
  return files.some(([path]) => path.includes('/') || weights.test(path) || pickles.test(path));
}

/** Tells what was picked: a checkpoint of one file, or a folder in diffusers layout. Looks at names only. */
export function pickedModel(files: readonly PickedFile[]): PickedModel {
  const visible = files.filter(([path]) => !/(^|\/)\./.test(path));
  const [first] = visible;
  if (!first) return refused('That was empty. Pick a .safetensors file, or a folder with a model_index.json.');
  if (visible.length === 1) return oneFile(first);
  const top = commonFolder(visible.map(([path]) => path));
  const inside = visible.map(([path, file]): PickedFile => [path.slice(top.length), file]);
  if (inside.some(([path]) => path === 'model_index.json')) {
    const title = top.split('/').findLast((part) => part !== '') ?? 'model';
    return { kind: 'model', title, spot: { kind: 'files', name: title, files: inside } };
  }
  const checkpoints = inside.filter(([path]) => /^[^/]+\.safetensors$/i.test(path));
  const [only] = checkpoints;
  if (only && checkpoints.length === 1) return checkpointWith(only, inside);
  if (checkpoints.length > 1) {
    return refused(`That holds ${checkpoints.length} checkpoints. Pick one of them: ${some(checkpoints)}.`);
  }
  const pickle = inside.find(([path]) => pickles.test(path));
  if (pickle) return refused(pickleWords(pickle[0]));
  return refused(
    'No model_index.json at its top, and no .safetensors file: this is no folder of a model that can be read.',
  );
}

/** A checkpoint, and configurations beside it that take the place of those told by its shapes. */
function checkpointWith(checkpoint: PickedFile, inside: readonly PickedFile[]): PickedModel {
  const picked = oneFile(checkpoint);
  if (picked.kind !== 'model' || picked.spot.kind !== 'files') return picked;
  const texts = inside.filter(([path]) => /\.(json|txt)$/i.test(path));
  return { ...picked, spot: { ...picked.spot, files: [...picked.spot.files, ...texts] } };
}

function oneFile([path, file]: PickedFile): PickedModel {
  const name = path.split('/').at(-1)!;
  if (pickles.test(name)) return refused(pickleWords(name));
  if (/\.gguf$/i.test(name)) {
    return refused(
      `${name} is in the form of llama.cpp’s family, which Studio does not read. Take the .safetensors file of the same model.`,
    );
  }
  if (!/\.(safetensors|sft)$/i.test(name)) {
    return refused(
      `${name} is no .safetensors file. Pick a checkpoint in that form, or a folder with a model_index.json.`,
    );
  }
  return { kind: 'model', title: name.replace(/\.\w+$/, ''), spot: { kind: 'files', name, files: [[name, file]] } };
}

function pickleWords(name: string): string {
  return (
    `${name} is a Python pickle, which can run code of whoever made it when it is opened; it was not. Take the .safetensors file ` +
    'of the same model, which most makers offer, or turn it into one with a tool you trust, on a machine where that cannot do harm.'
  );
}

function refused(why: string): PickedModel {
  return { kind: 'refused', why };
}

/** The folder that all paths begin with, with its `/`; empty where there is none. */
function commonFolder(paths: readonly string[]): string {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const [first = []] = folders;
  let depth = 0;
  while (depth < first.length && folders.every((folder) => folder[depth] === first[depth])) depth++;
  return first
    .slice(0, depth)
    .map((part) => `${part}/`)
    .join('');
}

function some(files: readonly PickedFile[]): string {
  const names = files.map(([path]) => path);
  return names.slice(0, 4).join(', ') + (names.length > 4 ? ', …' : '');
}
