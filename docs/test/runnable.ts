import type { Sample } from './samples.js';

/**
 * A sample as it is run: as it stands, but for steps and sizes. Three steps of a small picture say as much of it as thirty of a
 * large one. What it opened is closed behind it.
 */
export function runnable({ given, code, after }: Sample): string {
  const small = code
    .replace(/\bsteps: \d+,?/g, '')
    .replace(/\bpainter\.generate\(\{/g, '$& steps: 3, width: 64, height: 64,')
    .replace(/\b(1024|768|512)\b/g, '64');
  const opens = /^(const|let) painter = await load\(/m.test(`${given}\n${code}`);
  const closes = /^painter\.dispose\(\);/m.test(code);
  return [given, small, after, ...(opens && !closes ? ['painter.dispose();'] : [])].join('\n');
}
