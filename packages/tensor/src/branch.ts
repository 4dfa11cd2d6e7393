/**
 * A factor of a side branch: `down` `[rank, ...of the tensor's inputs]`, `up` `[outputs, rank]`, or that as rows,
 * `[rank, outputs]`, for kernels that add it as they finish.
 */
export type BranchFactor = 'down' | 'up' | 'up-rows';

/** The name under which a graph asks for a factor of a tensor's side branch. No checkpoint has names like it. */
export function branchName(tensor: string, factor: BranchFactor): string {
  return `${tensor}#${factor}`;
}

/** The tensor and factor that such a name means; undefined for a checkpoint's own names. */
export function branchOf(name: string): { readonly tensor: string; readonly factor: BranchFactor } | undefined {
  const at = name.lastIndexOf('#');
  if (at < 0) return undefined;
  const factor = name.slice(at + 1);
  if (factor !== 'down' && factor !== 'up' && factor !== 'up-rows') return undefined;
  return { tensor: name.slice(0, at), factor };
}
