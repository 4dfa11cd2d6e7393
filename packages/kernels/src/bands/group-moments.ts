/**
 * GroupNorm's statistics of a picture that is never there as a whole: count, mean and Σ(x−mean)² of each group, joined band
 * by band with Chan's formula, as in `norm/group-statistics.ts`. Only a band's new rows count, and of those only what lies
 * on the picture.
 */
import type { Graph, Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { expectBand, type BandTensor } from './band.js';

const lanes = 64;

/** Pixels that one invocation adds up. */
const runPixels = 64;

const fields = {
  columns: 'u32',
  width: 'u32',
  rows: 'u32',
  runs: 'u32',
  keep: 'u32',
  step: 'i32',
  /** Picture row of the first new row, less the position's share. */
  offset: 'i32',
  height: 'i32',
  group_channels: 'u32',
  groups: 'u32',
  join: 'u32',
} satisfies UniformFields;

const onPicture = `
// Whether a new row of the band lies on the picture.
fn on_picture(row: u32) -> bool {
  let y = i32(position[0]) * u.step - u.offset + i32(row);
  return y >= 0 && y < u.height;
}
fn run_pixels(run: u32) -> u32 { return min(${runPixels}u, u.width - (run % u.runs) * ${runPixels}u); }`;

const partialText = `${onPicture}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = (${groupIndexText}) * ${lanes}u + lane;
  if (task >= u.rows * u.runs * u.columns) { return; }
  let run = task / u.columns;
  let column = task % u.columns;
  let row = run / u.runs;
  var mean = vec4<f32>(0.0);
  var squares = vec4<f32>(0.0);
  if (on_picture(row)) {
    let pixels = run_pixels(run);
    var at = ((u.keep + row) * u.width + (run % u.runs) * ${runPixels}u) * u.columns + column;
    // Shifted by the first value, so that a mean far above the deviation does not cancel.
    let shift = load_x(at);
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < pixels; i++) {
      let d = load_x(at) - shift;
      sum += d;
      squares += d * d;
      at += u.columns;
    }
    let away = sum / f32(pixels);
    mean = shift + away;
    squares = max(squares - away * sum, vec4<f32>(0.0));
  }
  store_partials((run * 2u) * u.columns + column, mean);
  store_partials((run * 2u + 1u) * u.columns + column, squares);
}`;

const joinText = `
var<workgroup> parts: array<vec3<f32>, ${lanes}>;
${onPicture}
// Count, mean and squares of two disjoint sets together (Chan, Golub, LeVeque 1979).
fn both(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  let total = a.x + b.x;
  if (total == 0.0) { return a; }
  let delta = b.y - a.y;
  return vec3<f32>(total, a.y + delta * (b.x / total), a.z + b.z + delta * delta * (a.x * b.x / total));
}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = ${groupIndexText};
  if (group >= u.groups) { return; }
  var own = vec3<f32>(0.0);
  for (var item = lane; item < u.rows * u.runs * u.group_channels; item += ${lanes}u) {
    let run = item / u.group_channels;
    if (on_picture(run / u.runs)) {
      let at = (run * 2u) * u.columns * 4u + group * u.group_channels + item % u.group_channels;
      let count = f32(run_pixels(run));
      own = both(own, vec3<f32>(count, bitcast<f32>(partials[at]), bitcast<f32>(partials[at + u.columns * 4u])));
    }
  }
  parts[lane] = own;
  for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { parts[lane] = both(parts[lane], parts[lane + half]); }
  }
  if (lane == 0u) {
    var all = parts[0];
    // The first band begins anew.
    if (u.join == 1u && position[0] > 0u) { all = both(load_moments(group).xyz, all); }
    store_moments(group, vec4<f32>(all, 0.0));
  }
}`;

/** Options of {@link groupMoments}. */
export interface GroupMomentsOptions {
  readonly groups: number;
  /** f32 `[groups, 4]` that is kept between bands: moments are joined with what the bands before left there. */
  readonly into?: Tensor;
  readonly label: string;
}

/**
 * Count, mean and Σ(x−mean)² of each group of channels over a band's new rows, in f32.
 *
 * @returns f32 `[groups, 4]`; the fourth number is 0.
 * @throws ShapeError `shape/mismatch`.
 */
export function groupMoments(g: Graph, x: BandTensor, options: GroupMomentsOptions): Tensor {
  const { groups, into, label } = options;
  const where = `groupMoments ${label}`;
  expectBand(where, x);
  const { tensor, window } = x;
  const [, stored, width, channels] = tensor.shape as [number, number, number, number];
  expectThat(where, channels % groups === 0, `groups to divide ${channels} channels, got ${groups}. Check the config.`);
  const out = into ?? g.tensor(label, [groups, 4], 'f32');
  expectShape(where, 'moments of', out, [groups, 4]);
  const rows = stored - window.keep;
  const runs = Math.ceil(width / runPixels);
  g.add({
    op: 'groupMoments',
    label,
    inputs: into ? [tensor, window.position, into] : [tensor, window.position],
    weights: [],
    outputs: [out],
    lower(context) {
      const { profile } = context;
      const columns = columnsOf(tensor);
      const partials = context.scratch('partials', [rows * runs, 2, columns * 4], 'f32');
      expectBindable('groupMoments', [tensor, partials], profile);
      const uniforms = uniformData(fields, {
        columns,
        width,
        rows,
        runs,
        keep: window.keep,
        step: window.step,
        offset: window.offset - window.keep,
        height: window.height,
        group_channels: channels / groups,
        groups,
        join: into ? 1 : 0,
      });
      const partial = composeKernel({
        name: 'bands/partial-moments',
        buffers: [
          tensorBuffer('x', tensor, profile),
          wordBuffer('position'),
          { name: 'partials', form: 'f32', access: 'read_write' },
        ],
        uniforms: fields,
        body: partialText,
      });
      const join = composeKernel({
        name: 'bands/join-moments',
        buffers: [
          wordBuffer('partials'),
          wordBuffer('position'),
          { name: 'moments', form: 'f32', access: 'read_write' },
        ],
        uniforms: fields,
        body: joinText,
      });
      const values = rows * width * channels;
      return [
        {
          kernel: partial,
          bindings: [{ tensor }, { tensor: window.position }, { tensor: partials }],
          uniforms,
          workgroups: foldGrid(groupsFor(rows * runs * columns, lanes), profile),
          flops: 4 * values,
          bytesMoved: rows * width * columns * (tensor.dtype === 'f16' ? 8 : 16) + rows * runs * columns * 32,
        },
        {
          kernel: join,
          bindings: [{ tensor: partials }, { tensor: window.position }, { tensor: out }],
          uniforms,
          workgroups: foldGrid(groups, profile),
          flops: rows * runs * channels * 8,
          bytesMoved: rows * runs * columns * 32 + groups * 16,
        },
      ];
    },
  });
  return out;
}
