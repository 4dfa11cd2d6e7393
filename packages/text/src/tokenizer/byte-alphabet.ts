/** Byte of each character that stands for one in byte-level vocabularies (GPT-2's `bytes_to_unicode`). */
export function byteAlphabet(): Map<string, number> {
  const byteOf = new Map<string, number>();
  let moved = 0x100;
  for (let byte = 0; byte < 0x100; byte++) {
    byteOf.set(String.fromCodePoint(standsForItself(byte) ? byte : moved++), byte);
  }
  return byteOf;
}

/** Printable Latin-1; the rest moves up so that no symbol is white space or a control character. */
function standsForItself(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}
