import {
  plainRows,
  rowCount,
  rowStride,
  tensorBytes,
  type Dispatch,
  type Graph,
  type Kernel,
  type Tensor,
  type Weight,
} from '../src/index.js';

/** Small f32 ops to try the core with: plain text, sizes in uniforms, one thread a vec4 or a value. */

function uniforms(...values: number[]): ArrayBuffer {
  const block = new ArrayBuffer(Math.ceil(values.length / 4) * 16);
  const view = new DataView(block);
  values.forEach((value, i) => view.setUint32(i * 4, value, true));
  return block;
}

const addKernel = (inPlace: boolean): Kernel => ({
  name: inPlace ? 'add/in-place' : 'add/plain',
  key: `test-add-${inPlace}`,
  wgsl: `
@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b: array<vec4<f32>>;
${inPlace ? '' : '@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;'}
struct Sizes { quads: u32, p1: u32, p2: u32, p3: u32 }
@group(0) @binding(${inPlace ? 2 : 3}) var<uniform> sizes: Sizes;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= sizes.quads) { return; }
  ${inPlace ? 'a' : 'out'}[i] = a[i] + b[i];
}`,
  bindings: ['a', 'b', ...(inPlace ? [] : ['out'])].map((name) => ({ name, access: 'read_write' as const })),
  uniformBytes: 16,
});

/** a + b, elementwise; may take over a's storage. */
export function add(g: Graph, a: Tensor, b: Tensor, label = 'add'): Tensor {
  const out = g.tensor(`${label}.out`, a.shape, a.dtype);
  g.add({
    op: 'add',
    label,
    inputs: [a, b],
    weights: [],
    outputs: [out],
    inPlace: a,
    lower: ({ inPlace }): Dispatch[] => {
      const quads = tensorBytes(a) / 16;
      return [
        {
          kernel: addKernel(inPlace),
          bindings: [{ tensor: a }, { tensor: b }, ...(inPlace ? [] : [{ tensor: out }])],
          uniforms: uniforms(quads),
          workgroups: [Math.ceil(quads / 64), 1, 1],
          flops: quads * 4,
          bytesMoved: 3 * tensorBytes(a),
        },
      ];
    },
  });
  return out;
}

/** a + b, in row bands where the profile's binding limit asks for them. */
export function bandedAdd(g: Graph, a: Tensor, b: Tensor, label = 'add'): Tensor {
  const out = g.tensor(`${label}.out`, a.shape, a.dtype);
  g.add({
    op: 'add',
    label,
    inputs: [a, b],
    weights: [],
    outputs: [out],
    lower: ({ profile }): Dispatch[] => {
      const { maxStorageBufferBindingSize, minStorageBufferOffsetAlignment } = profile.limits;
      const step =
        Math.floor(maxStorageBufferBindingSize / minStorageBufferOffsetAlignment) * minStorageBufferOffsetAlignment;
      const dispatches: Dispatch[] = [];
      for (let byteOffset = 0; byteOffset < tensorBytes(a); byteOffset += step) {
        const byteLength = Math.min(step, tensorBytes(a) - byteOffset);
        dispatches.push({
          kernel: addKernel(false),
          bindings: [a, b, out].map((tensor) => ({ tensor, byteOffset, byteLength })),
          uniforms: uniforms(byteLength / 16),
          workgroups: [Math.ceil(byteLength / 1024), 1, 1],
          flops: byteLength / 4,
          bytesMoved: 3 * byteLength,
        });
      }
      return dispatches;
    },
  });
  return out;
}

const linearKernel: Kernel = {
  name: 'linear/naive',
  key: 'test-linear',
  wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
struct Sizes { rows: u32, k: u32, n: u32, xStride: u32, outStride: u32 }
@group(0) @binding(3) var<uniform> sizes: Sizes;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= sizes.rows * sizes.outStride) { return; }
  let row = i / sizes.outStride;
  let column = i % sizes.outStride;
  var sum = 0.0;
  if (column < sizes.n) {
    for (var k = 0u; k < sizes.k; k++) { sum += x[row * sizes.xStride + k] * w[column * sizes.xStride + k]; }
  }
  out[i] = sum;
}`,
  bindings: [
    { name: 'x', access: 'read_write' },
    { name: 'w', access: 'read' },
    { name: 'out', access: 'read_write' },
  ],
  uniformBytes: 32,
};

/** x [..., K] · wᵀ [N, K] → [..., N]. Says it costs `claim` times what it does, to be given slices of its own. */
export function linear(g: Graph, x: Tensor, w: Weight, label = 'linear', claim = 1): Tensor {
  const [n, k] = w.source.shape as [number, number];
  const out = g.tensor(`${label}.out`, [...x.shape.slice(0, -1), n], 'f32');
  const rows = rowCount(x.shape);
  g.add({
    op: 'linear',
    label,
    inputs: [x],
    weights: [w],
    outputs: [out],
    lower: () => [
      {
        kernel: linearKernel,
        bindings: [{ tensor: x }, { weight: w }, { tensor: out }],
        uniforms: uniforms(rows, k, n, rowStride(x.shape), rowStride(out.shape)),
        workgroups: [Math.ceil((rows * rowStride(out.shape)) / 64), 1, 1],
        flops: 2 * rows * k * n * claim,
        bytesMoved: tensorBytes(x) + tensorBytes(out) + w.byteLength,
      },
    ],
  });
  return out;
}

/** A weight [N, K] in f32 as {@link linear} reads it. */
export function linearWeight(g: Graph, name: string, n: number, k: number): Weight {
  return g.weight(name, [n, k], plainRows, 'f32');
}

/** The values a weight named so has in these tests. */
export function weightValues(weight: Weight, seed = 1): Float32Array<ArrayBuffer> {
  const count = weight.source.shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed));
}

/** {@link linear} on the host, in float64. */
export function linearReference(x: ArrayLike<number>, w: ArrayLike<number>, k: number, n: number): Float64Array {
  const rows = x.length / k;
  const out = new Float64Array(rows * n);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < n; c++) for (let i = 0; i < k; i++) out[r * n + c]! += x[r * k + i]! * w[c * k + i]!;
  return out;
}
