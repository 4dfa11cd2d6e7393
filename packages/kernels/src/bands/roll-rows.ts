import { bytesPerElement, rowStride, type Dispatch, type DeviceProfile, type Tensor } from '@pleinair/tensor';
import { wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', last: 'u32' } satisfies UniformFields;

/**
 * Puts the rows that the band before left in front of a band, and takes the band's own last rows for the next.
 *
 * @param band - `[1, keep + rows, width, channels]`, its new rows written.
 * @param carry - `[1, keep, width, channels]`, kept between bands.
 */
export function rollRows(band: Tensor, carry: Tensor, profile: DeviceProfile): Dispatch {
  const [, rows = 0, width = 0] = band.shape;
  const [, keep = 0] = carry.shape;
  const lineWords = (width * rowStride(band.shape) * bytesPerElement(band.dtype)) / 4;
  const count = keep * lineWords;
  const kernel = elementKernel(
    { name: 'bands/roll', buffers: [wordBuffer('band'), wordBuffer('carry')], uniforms: fields },
    `  let before = carry[i];
  carry[i] = band[u.last + i];
  band[i] = before;`,
  );
  return {
    kernel,
    bindings: [{ tensor: band }, { tensor: carry }],
    uniforms: uniformData(fields, { count, last: (rows - keep) * lineWords }),
    workgroups: foldGrid(groupsFor(count, elementLanes), profile),
    flops: 0,
    bytesMoved: 16 * count,
  };
}
