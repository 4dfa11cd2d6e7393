/** A file that is not safetensors: what it seems to be, and what to do about it. */
export interface ForeignFormat {
  /** The last part of the error's code, e.g. `pickle`. */
  readonly code: 'pickle' | 'foreign-format';
  readonly what: string;
  readonly cure: string;
}

const pickleCure =
  'Pickles can run any code when they are read, so they are never opened here. Get the .safetensors of the same model, or ' +
  'convert this one where you trust it (Python: safetensors.torch.save_file(torch.load(file, weights_only=True)["state_dict"], out)).';

/**
 * Tells formats that people mistake for safetensors by how they begin, whatever they are called: pickles (`.ckpt`, `.pt`,
 * `.bin`: a ZIP since torch 1.6, a bare pickle or a tar before), GGUF, pages and pointers that were downloaded in a
 * model's place.
 *
 * @param head - The file's first bytes; 8 are enough for most, 512 tell all.
 */
export function foreignFormat(head: Uint8Array): ForeignFormat | undefined {
  const text = String.fromCharCode(...head.subarray(0, 512));
  // Protocol 2 and later begin with 0x80 and the protocol; as a header's length 0x80 0x02 … would need six zeros behind.
  const barePickle =
    head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 && head.subarray(2, 8).some((byte) => byte !== 0);
  if (text.startsWith('PK\x03\x04') || barePickle || text.slice(257, 262) === 'ustar') {
    return { code: 'pickle', what: 'a Python pickle (.ckpt, .pt, .bin)', cure: pickleCure };
  }
  const foreign = (what: string, cure: string): ForeignFormat => ({ code: 'foreign-format', what, cure });
  if (text.startsWith('GGUF')) {
    return foreign('a GGUF file', 'Get the .safetensors of the same model; --palettize makes those small here.');
  }
  if (/^version https?:\/\/git-lfs/.test(text)) {
    return foreign(
      "a pointer of git's large file storage",
      'Fetch the file itself (git lfs pull), or download it again.',
    );
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) {
    return foreign('a web page', 'Download the file itself, signed in where the site asks for it.');
  }
  if (text.startsWith('\x89HDF')) return foreign('an HDF5 file', 'Get the .safetensors of the same model.');
  return undefined;
}
