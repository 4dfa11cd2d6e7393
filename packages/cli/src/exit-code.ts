import { isPleinairError } from '@pleinair/tensor';

/** Exit codes by family of error code; the README lists them. */
const families: readonly (readonly [prefix: string, code: number])[] = [
  ['cancelled', 130],
  ['usage/', 2],
  ['scheduler/', 2],
  ['random/', 2],
  ['shape/', 2],
  ['device/no-adapter', 3],
  ['device/', 4],
  ['weights/output-exists', 6],
  ['weights/no-room', 6],
  ['weights/not-writable', 6],
  ['weights/disk-full', 6],
  ['weights/', 5],
  ['weight/', 5],
  ['hub/name', 2],
  ['hub/no-room', 6],
  ['hub/storage', 6],
  ['hub/', 5],
  ['tokenizer/invalid-prompt', 2],
  ['tokenizer/', 5],
  ['config/', 5],
  ['lora/', 5],
  ['embedding/', 5],
  ['output/one-file', 2],
  ['output/extension', 2],
  ['output/', 6],
  ['tuning/', 6],
  ['recipe/', 2],
  ['palettize/invalid-argument', 2],
  ['palettize/not-finite', 5],
  ['palettize/out-of-range', 5],
  ['palettize/already-palettized', 5],
  ['palettize/not-writable', 6],
  ['palettize/', 1],
];

/** The exit code for an error: 1 when nobody foresaw it. */
export function exitCodeOf(error: unknown): number {
  if (!isPleinairError(error)) return 1;
  return families.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? 1;
}
