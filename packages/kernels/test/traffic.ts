import { rowCount, type Dispatch, type Graph, type ProgramPlan, type Tensor } from '@pleinair/tensor';
import { columnsOf } from '../src/shader/columns.js';
import { tensorBuffer } from '../src/shader/declare.js';
import { elementKernel, elementLanes } from '../src/shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../src/shader/grid.js';
import { uniformData } from '../src/shader/uniforms.js';

/** How often tensors go through memory in a plan: a dispatch that loads one counts a read, one that stores it a write. */
export interface Traffic {
  readonly programs: number;
  readonly reads: number;
  readonly writes: number;
}

/** Traffic of the tensors that `counts` says yes to, from what the plan's kernels do with their bindings. */
export function trafficOf(plan: ProgramPlan, counts: (tensor: Tensor) => boolean): Traffic {
  const dispatches = plan.segments.flatMap(({ nodes }) => nodes.flatMap((node) => node.dispatches));
  let [programs, reads, writes] = [0, 0, 0];
  for (const dispatch of dispatches) {
    const touched = touchedBy(dispatch).filter(({ tensor }) => counts(tensor));
    if (touched.length > 0) programs++;
    reads += touched.filter(({ loads }) => loads).length;
    writes += touched.filter(({ stores }) => stores).length;
  }
  return { programs, reads, writes };
}

function touchedBy({ kernel, bindings }: Dispatch): { tensor: Tensor; loads: boolean; stores: boolean }[] {
  return bindings.flatMap((bound, i) => {
    if (!('tensor' in bound)) return [];
    const { name } = kernel.bindings[i]!;
    // Every buffer has its functions declared; what is called stands in the text a second time.
    const calls = (verb: string): boolean => kernel.wgsl.split(`${verb}_${name}(`).length > 2;
    return [{ tensor: bound.tensor, loads: calls('load'), stores: calls('store') }];
  });
}

/**
 * A program of an engine that fuses nothing: one expression of `a` (and `b`), elementwise, its result written.
 *
 * @param expression - WGSL over `a` and `b`, `vec4<f32>`.
 */
export function primitive(g: Graph, expression: string, inputs: readonly Tensor[], label: string): Tensor {
  const [first] = inputs;
  const out = g.tensor(label, first!.shape, first!.dtype);
  g.add({
    op: 'primitive',
    label,
    inputs: [...new Set(inputs)],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const names = ['a', 'b'].slice(0, new Set(inputs).size);
      const fields = { count: 'u32' } as const;
      const count = rowCount(out.shape) * columnsOf(out);
      const kernel = elementKernel(
        {
          name: `primitive/${label}`,
          buffers: [
            ...names.map((name, i) => tensorBuffer(name, inputs[i]!, profile)),
            tensorBuffer('out', out, profile),
          ],
          uniforms: fields,
        },
        `${names.map((name) => `let ${name} = load_${name}(i);`).join('\n')}
  store_out(i, ${expression});`,
      );
      return [
        {
          kernel,
          bindings: [...new Set(inputs), out].map((tensor) => ({ tensor })),
          uniforms: uniformData(fields, { count }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: count * 4,
          bytesMoved: 0,
        },
      ];
    },
  });
  return out;
}
