/**
 * The name under which a model of one's own is kept, from what a person calls it or its file is called:
 * `Dream Shaper (v8).safetensors` is `local/Dream-Shaper-v8`.
 *
 * @param taken - Names that are given already; a number is put behind one of them.
 */
export function localModelName(title: string, taken: Iterable<string> = []): string {
  const name = title
    .replace(/\.(safetensors|sft)$/i, '')
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^\w.]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, longest)
    .replace(/\W+$/, '');
  const base = `local/${name || 'model'}`;
  const others = new Set(taken);
  if (!others.has(base)) return base;
  for (let number = 2; ; number++) if (!others.has(`${base}-${number}`)) return `${base}-${number}`;
}

/** Below what the Hub allows, so that a number fits behind it. */
const longest = 80;
