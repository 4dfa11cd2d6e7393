import { readFile, writeFile } from 'node:fs/promises';

/** A tensor as a safetensors header tells it. */
export interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [begin: number, end: number];
}

/** Changes the header of a safetensors file in place; the tensors' bytes stay. */
export async function damageHeader(
  path: string,
  change: (entries: Record<string, HeaderEntry>) => void,
): Promise<void> {
  const { header, data } = await readSafetensors(path);
  const { __metadata__: metadata, ...entries } = header;
  change(entries);
  await writeFile(path, layOut({ ...(metadata ? { __metadata__: metadata } : {}), ...entries }, data));
}

/** Gives one tensor other bytes and their dtype, and moves the rest along. */
export async function replaceTensor(path: string, name: string, dtype: string, bytes: Uint8Array): Promise<void> {
  const { header, data } = await readSafetensors(path);
  const { __metadata__: _, ...entries } = header;
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [key, entry] of Object.entries(entries).sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])) {
    const piece = key === name ? bytes : data.subarray(...entry.data_offsets);
    if (key === name) entry.dtype = dtype;
    entry.data_offsets = [at, at + piece.length];
    at += piece.length;
    pieces.push(piece);
  }
  await writeFile(path, layOut(entries, Buffer.concat(pieces)));
}

async function readSafetensors(path: string): Promise<{ header: Record<string, HeaderEntry>; data: Buffer }> {
  const file = await readFile(path);
  const end = 8 + Number(file.readBigUInt64LE(0));
  return {
    header: JSON.parse(file.subarray(8, end).toString()) as Record<string, HeaderEntry>,
    data: file.subarray(end),
  };
}

function layOut(header: object, data: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
