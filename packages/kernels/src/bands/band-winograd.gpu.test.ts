import { compileProgram, Graph, plainRows, toHalfArray, WeightScope, type Device, type Tensor } from '@pleinair/tensor';
import { randomHalves, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { winogradTolerance, worstError } from '../../test/winograd-tolerance.js';
import { convWeight } from '../conv2d/conv2d.js';
import { convReference } from '../conv2d/reference.js';
import type { TileSize } from '../conv2d/winograd/cook-toom.js';
import { padTo4 } from '../product/layout.js';
import { activationReference } from '../shader/activation.js';
import type { BandTensor } from './band.js';
import { bandConv } from './band-conv.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

interface Case {
  readonly name: string;
  /** New rows of a band of the input. */
  readonly rows: number;
  readonly upsample?: 2;
  readonly norm?: boolean;
  readonly residual?: boolean;
}

const [height, width, cin, cout] = [13, 7, 10, 34];
const keep = 2;
/** Rows by which the input lags already. */
const lagIn = 3;

/** Rows of a picture that a band holds; those beyond the picture are not numbers, for nobody may look at them. */
function bandOf(picture: Float32Array, line: number, first: number, rows: number): Float32Array<ArrayBuffer> {
  const band = new Float32Array(rows * line).fill(NaN);
  for (let j = 0; j < rows; j++) {
    const y = first + j;
    if (y >= 0 && y < picture.length / line) band.set(picture.subarray(y * line, (y + 1) * line), j * line);
  }
  return band;
}

async function check(c: Case, dtype: 'f16' | 'f32', variant: string): Promise<void> {
  const { rows, upsample = 1, norm, residual } = c;
  const m = Number(variant[8]) as TileSize;
  const g = new Graph('bands', { dtype });
  g.segment('run');
  const scope = new WeightScope(g);
  const position = g.input('position', [1], 'u32');
  const outRows = rows * upsample;
  const outWidth = width * upsample;
  const outHeight = height * upsample;
  const lag = upsample === 2 ? 2 * lagIn + 1 : lagIn + 1;
  const x: BandTensor = {
    tensor: g.input('x', [1, keep + rows, width, cin]),
    window: { position, step: rows, offset: lagIn + keep, height, keep },
  };
  const added: BandTensor | undefined = residual
    ? {
        tensor: g.input('residual', [1, outRows, outWidth, cout]),
        window: { position, step: outRows, offset: lag, height: outHeight, keep: 0 },
      }
    : undefined;
  const padded = padTo4(cin);
  const affine: Tensor | undefined = norm ? g.input('affine', [1, 2, padded], 'f32') : undefined;
  const carry = residual ? g.hold(g.tensor('kept', [1, keep, outWidth, cout])) : undefined;
  const out = bandConv(g, x, convWeight(scope, cout, [cin], 3), {
    rows: outRows,
    lag,
    upsample: c.upsample,
    bias: scope.weight('bias', [cout], plainRows),
    residual: added,
    norm: affine && { affine, silu: true },
    carry,
    label: c.name,
  });
  g.output('y', out.tensor);
  const program = await compileProgram(g, device, {
    transformedWeights: true,
    scratchBytes: 2 ** 24,
    pick: (_key, among) => among.find((name) => name === variant),
  });
  const dispatches = program.plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches));
  expect(dispatches.some(({ kernel }) => kernel.name.startsWith(`winograd${m}/`))).toBe(true);
  expect(await tintErrors(kernelsOf(dispatches))).toEqual([]);

  const values = {
    x: randomHalves(height * width * cin, 1),
    weight: randomHalves(cout * cin * 9, 2, 0.25),
    bias: randomHalves(cout, 3),
    affine: Float32Array.from(randomHalves(2 * padded, 4)),
    residual: randomHalves(outHeight * outWidth * cout, 5),
  };
  for (const w of program.weights) {
    const own = w.source.name === 'bias' ? values.bias : values.weight;
    const elements = w.storage === 'f16' ? toHalfArray(own) : own;
    await program.uploadWeight(w, w.layout.pack(elements, 0, w.source.shape[0]!, w.source.shape));
  }
  const expected = convReference({
    geometry: {
      batch: 1,
      storedHeight: height,
      storedWidth: width,
      height: outHeight,
      width: outWidth,
      outHeight,
      outWidth,
      kernel: 3,
      stride: 1,
      pad: 1,
      upsample,
    },
    inputs: [{ data: values.x, channels: cin }],
    weight: values.weight,
    cout,
    bias: values.bias,
    residual: residual ? values.residual : undefined,
    onLoad: norm
      ? (v, _image, channel) =>
          activationReference('silu', v * values.affine[channel]! + values.affine[padded + channel]!)
      : undefined,
  });
  if (affine) program.write('affine', values.affine);
  const line = outWidth * cout;
  const kept = carry ? keep : 0;
  const found = new Float32Array(expected.length).fill(NaN);
  for (let band = 0; band * outRows < outHeight + lag; band++) {
    program.write('position', Uint32Array.of(band));
    program.write('x', bandOf(values.x, width * cin, band * rows - lagIn - keep, keep + rows));
    if (added) program.write('residual', bandOf(values.residual, line, band * outRows - lag, outRows));
    await program.run('run');
    const got = (await program.read('y')) as Float32Array;
    for (let j = 0; j < outRows; j++) {
      const y = band * outRows - lag + j;
      if (y >= 0 && y < outHeight) found.set(got.subarray((kept + j) * line, (kept + j + 1) * line), y * line);
    }
    // In front lie the last rows of the band before.
    const before = band === 0 ? 0 : kept;
    for (let j = 0; j < before; j++) {
      const y = band * outRows - lag - kept + j;
      if (y < 0 || y >= outHeight) continue;
      expect([...got.subarray(j * line, (j + 1) * line)]).toEqual([...found.subarray(y * line, (y + 1) * line)]);
    }
  }
  const allowed = winogradTolerance(expected, { dtype, reductionLength: 9 * cin + 3, m });
  expect(worstError(found, expected)).toBeLessThan(allowed);
  program.dispose();
}

const cases: readonly Case[] = [
  { name: 'rows that are no multiple of a tile', rows: 5 },
  { name: 'doubled and normalised', rows: 3, upsample: 2, norm: true },
  { name: 'a residual, and rows handed on', rows: 8, residual: true },
  { name: 'one band', rows: 20 },
];

describe.each(['f32', 'f16'] as const)('a convolution in bands by Winograd, %s', (dtype) => {
  it.each(cases)('$name', (c) => check(c, dtype, 'winograd4-sliced'));
});

it.each(['winograd4', 'winograd6-sliced'])('a convolution in bands as %s', (variant) =>
  check(cases[2]!, 'f32', variant),
);
