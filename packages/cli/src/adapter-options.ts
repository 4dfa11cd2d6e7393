import { InvalidArgumentError } from 'commander';
import type { FilePlace, LoraPlace } from 'pleinair';

/** Adds one `FILE[:SCALE]` to those before, for commander. What follows the last colon is a scale where it is a number. */
export function loraOption(text: string, before: readonly LoraPlace[] = []): readonly LoraPlace[] {
  const found = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text);
  // The port of an address is no scale: an address ends in a path.
  const isAddress = /^https?:\/\/[^/]*$/i.test(text);
  if (text.trim() === '') throw new InvalidArgumentError('expected FILE or FILE:SCALE, got nothing.');
  const lora = found && !isAddress ? { source: found[1]!, scale: Number(found[2]) } : { source: text };
  return [...before, lora];
}

/** Adds one `NAME=FILE` to those before, for commander. */
export function embeddingOption(
  text: string,
  before: Readonly<Record<string, FilePlace>> = {},
): Readonly<Record<string, FilePlace>> {
  const at = text.indexOf('=');
  const [name, file] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || file === '') throw new InvalidArgumentError(`expected NAME=FILE, got "${text}".`);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`expected each name once, got "${name}" again.`);
  return { ...before, [name]: file };
}
