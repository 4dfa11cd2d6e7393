/** A duration with its unit. */
export function msText(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 10) return `${ms.toFixed(1)} ms`;
  if (ms === 0) return '0';
  return ms >= 0.1 ? `${ms.toFixed(2)} ms` : `${(ms * 1000).toFixed(0)} µs`;
}

/** A share as per cent. */
export function shareText(share: number): string {
  return `${(100 * share).toFixed(share >= 0.1 ? 0 : 1)} %`;
}

/** A rate of work with its unit. */
export function flopsText(flops: number, ms: number): string {
  return flops === 0 || ms === 0 ? '–' : `${metric(flops / (ms / 1000))}FLOP/s`;
}

/** A rate of bytes read and written, with its unit. */
export function bandwidthText(bytes: number, ms: number): string {
  return bytes === 0 || ms === 0 ? '–' : `${metric(bytes / (ms / 1000))}B/s`;
}

/** A number to three digits, with the letter of its power of a thousand. */
function metric(value: number): string {
  const [unit, letter] = value >= 1e12 ? [1e12, 'T'] : value >= 1e9 ? [1e9, 'G'] : [1e6, 'M'];
  return `${(value / unit).toPrecision(3)} ${letter}`;
}

/** A part's name for people, e.g. `VAE decoder`. */
export function partText(part: string): string {
  const words = part.replaceAll('_', ' ').replace(/\bvae\b/, 'VAE');
  return words === 'unet' ? 'UNet' : words[0]!.toUpperCase() + words.slice(1);
}
