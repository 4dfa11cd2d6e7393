import { Device, type DeviceProfile, type SubgroupMatrixShape } from '@pleinair/tensor';

/**
 * Puts plain loops in the place of subgroup matrices, so that all of a kernel but the matrix units themselves can be run
 * where there are none: which elements are staged where, which are multiplied by which, and where the sums go.
 *
 * An operand is modelled by where it lies in workgroup memory (nothing writes there between loading and multiplying), a
 * result by elements dealt out over a subgroup's lanes. Offsets and strides count vec4s, the elements of the arrays.
 *
 * @throws Error when the text calls the extension in a way the model does not know.
 */
export function withoutMatrixUnits(wgsl: string, lanes: number): string {
  const shapes =
    /alias Left = subgroup_matrix_left<(\w+), (\d+), (\d+)>;\nalias Right = subgroup_matrix_right<\1, (\d+), \2>;\nalias Sums = subgroup_matrix_result<f32, \4, \3>;/u;
  const found = shapes.exec(wgsl);
  if (!found) throw new Error('withoutMatrixUnits: expected the aliases Left, Right and Sums, of sizes that fit.');
  const [k, m, n] = found.slice(2).map(Number) as [number, number, number];
  const each = Math.ceil((m * n) / lanes);
  const model = `struct Operand { at: u32, stride: u32 }
alias Sums = array<f32, ${each}>;
var<private> model_lane: u32;
// Zero, but compilers do not know: they would unroll every loop at every call.
fn model_zero() -> u32 { return select(0u, 1u, u.blocks == 0xffffffffu); }
fn model_multiply(left: Operand, right: Operand, sums: Sums) -> Sums {
  var result = sums;
  for (var e = model_zero(); e < ${each}u; e++) {
    let i = (e * ${lanes}u + model_lane) / ${n}u;
    let j = (e * ${lanes}u + model_lane) % ${n}u;
    if (i >= ${m}u) { break; }
    var sum = result[e];
    for (var k = model_zero(); k < ${k}u; k++) {
      let a = tile_a[left.at + i * left.stride + k / 4u][k % 4u];
      let b = tile_b[right.at + k * right.stride + j / 4u][j % 4u];
      sum = fma(f32(a), f32(b), sum);
    }
    result[e] = sum;
  }
  return result;
}
fn model_store(at: u32, sums: Sums, stride: u32) {
  for (var e = model_zero(); e < ${each}u; e++) {
    let element = e * ${lanes}u + model_lane;
    let column = element % ${n}u;
    if (element < ${m * n}u) { tile_out[at + (element / ${n}u) * stride + column / 4u][column % 4u] = sums[e]; }
  }
}`;
  const text = wgsl
    .replace('enable chromium_experimental_subgroup_matrix;\n', '')
    .replace(shapes, model)
    .replaceAll('subgroupMatrixLoad<Left, row_major>(&tile_a, ', 'Operand(')
    .replaceAll('subgroupMatrixLoad<Right, row_major>(&tile_b, ', 'Operand(')
    .replaceAll('subgroupMatrixMultiplyAccumulate(', 'model_multiply(')
    .replaceAll('subgroupMatrixStore<row_major>(&tile_out, ', 'model_store(')
    .replace('@builtin(subgroup_size)', '@builtin(subgroup_invocation_id) lane: u32,\n  @builtin(subgroup_size)')
    .replace(/(\n {2}@builtin\(subgroup_size\)[^{]*\{)/u, '$1\n  model_lane = lane;');
  if (/subgroup_?matrix/iu.test(text)) throw new Error(`withoutMatrixUnits: a call that is not modelled in\n${text}`);
  return text;
}

/**
 * A device that claims to have matrix units of some shapes and runs their kernels on {@link withoutMatrixUnits}. Takes the
 * given device over: destroy only the result.
 */
export function withModelledMatrices(
  device: Device,
  shapes: readonly SubgroupMatrixShape[],
  changes: Partial<DeviceProfile> = {},
): Device {
  const { gpu, profile } = device;
  const make = gpu.createShaderModule.bind(gpu);
  gpu.createShaderModule = (descriptor) => {
    const { code } = descriptor;
    const isMatrix = code.includes('enable chromium_experimental_subgroup_matrix;');
    return make({ ...descriptor, code: isMatrix ? withoutMatrixUnits(code, profile.subgroupMinSize) : code });
  };
  const features = { ...profile.features, subgroupMatrix: true };
  return new Device(gpu, { ...profile, features, subgroupMatrixShapes: shapes, ...changes }, device.instance);
}
