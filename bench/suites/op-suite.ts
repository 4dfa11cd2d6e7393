import { measureOp, opCases, type OpSuite } from '@pleinair/bench';
import type { Suite } from './context.js';

/** The suite of one family of operations. */
export function opSuite(name: OpSuite): Suite {
  return async function* (context) {
    for (const op of opCases(name, context)) yield* measureOp(op, context);
  };
}
