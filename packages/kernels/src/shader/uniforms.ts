import { PleinairError } from '@pleinair/tensor';

/** Scalar types a uniform block of ours may hold. */
export type UniformType = 'u32' | 'i32' | 'f32';

/** A uniform block: field names in order with their types. Every field is a scalar, four to a 16-byte row. */
export type UniformFields = Readonly<Record<string, UniformType>>;

/** Bytes of a block, rounded up to the 16 that WebGPU asks for. */
export function uniformBytes(fields: UniformFields): number {
  return Math.ceil((Object.keys(fields).length * 4) / 16) * 16;
}

/** WGSL of a block at a binding, readable in the shader as `u.FIELD`. */
export function declareUniforms(fields: UniformFields, binding: number): string {
  const names = Object.keys(fields);
  if (names.length === 0) return '';
  // The struct is padded with named words so that its size is the buffer's on every implementation.
  const padding = uniformBytes(fields) / 4 - names.length;
  const members = [
    ...names.map((name) => `  ${name}: ${fields[name]},`),
    ...Array.from({ length: padding }, (_, i) => `  pad${i}: u32,`),
  ];
  return `struct Uniforms {\n${members.join('\n')}\n}\n@group(0) @binding(${binding}) var<uniform> u: Uniforms;`;
}

/** The block's contents for one dispatch. */
export function uniformData(fields: UniformFields, values: Readonly<Record<string, number>>): ArrayBuffer {
  const data = new DataView(new ArrayBuffer(uniformBytes(fields)));
  Object.entries(fields).forEach(([name, type], i) => {
    const value = values[name];
    if (value === undefined) {
      throw new PleinairError(
        'kernel/uniform-missing',
        `uniforms: expected a value for "${name}", got none. Give every field of the block.`,
      );
    }
    setField(data, i, type, value);
  });
  return data.buffer;
}

/** A copy of a block's contents with some fields changed. */
export function changedUniforms(
  fields: UniformFields,
  contents: ArrayBuffer,
  changes: Readonly<Record<string, number>>,
): ArrayBuffer {
  const copy = contents.slice(0);
  const data = new DataView(copy);
  Object.entries(fields).forEach(([name, type], i) => {
    const value = changes[name];
    if (value !== undefined) setField(data, i, type, value);
  });
  return copy;
}

function setField(data: DataView, index: number, type: UniformType, value: number): void {
  if (type === 'f32') data.setFloat32(index * 4, value, true);
  else if (type === 'i32') data.setInt32(index * 4, value, true);
  else data.setUint32(index * 4, value, true);
}
