/** True for a name that ends as checkpoints in one file do, pickles included. */
export function namesCheckpoint(name: string): boolean {
  return /\.(safetensors|sft|ckpt|pt|pth|bin|gguf)$/i.test(name);
}

/**
 * Cuts the address of a single file into the address of the folder it lies in and its name; nothing where it is none. A
 * query stays with the folder, as sources send it with every request.
 */
export function splitCheckpointAddress(address: string): { readonly base: string; readonly file: string } | undefined {
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  const slash = url.pathname.lastIndexOf('/');
  const file = decodeURIComponent(url.pathname.slice(slash + 1));
  if (!namesCheckpoint(file)) return undefined;
  url.pathname = url.pathname.slice(0, slash + 1);
  return { base: url.href, file };
}
