/** Protocol buffer fields, as far as ONNX models need them (protobuf.dev/programming-guides/encoding). */

const bytesOf = new TextEncoder();

/** A whole number field. Wire type 0. */
export function varint(field: number, value: number): Uint8Array {
  return join([encode(field * 8), encode(value)]);
}

/** An f32 field. Wire type 5. */
export function float(field: number, value: number): Uint8Array {
  const content = new Uint8Array(4);
  new DataView(content.buffer).setFloat32(0, value, true);
  return join([encode(field * 8 + 5), content]);
}

/** A string, bytes or message field. Wire type 2. */
export function bytes(field: number, value: string | Uint8Array): Uint8Array {
  const content = typeof value === 'string' ? bytesOf.encode(value) : value;
  return join([encode(field * 8 + 2), encode(content.length), content]);
}

/** A message field made of fields. */
export function message(field: number, fields: readonly Uint8Array[]): Uint8Array {
  return bytes(field, join(fields));
}

/** Fields one after another. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Seven bits a byte, lowest first; negative numbers as 64-bit two's complement. */
function encode(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(out);
}
