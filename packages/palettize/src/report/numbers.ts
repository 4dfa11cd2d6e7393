/** Average bits, e.g. `4.50`. */
export function bitsText(bits: number): string {
  return bits.toFixed(2);
}

/** A PSNR with its unit. */
export function psnrText(psnr: number | undefined): string {
  return psnr === undefined ? '–' : `${psnr.toFixed(1)} dB`;
}

/** Bytes with their unit, 1 MB being 10⁶ bytes. */
export function sizeText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toPrecision(3)} MB`;
}

/** What is left of 16 bits, in per cent. */
export function shareText(bits: number): string {
  return `${Math.round((100 * bits) / 16)} %`;
}

/** A count with its thousands apart. */
export function countText(count: number): string {
  return count.toLocaleString('en-US').replaceAll(',', '\u{202f}');
}
