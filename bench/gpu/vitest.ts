/**
 * What test files import from `vitest`, for a machine that has no more than Node: its own runner and its own `expect`,
 * put together in one file. scripts/bundle-gpu.mjs puts this in vitest's place.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  getState,
  setState,
  type ExpectStatic,
} from '@vitest/expect';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, suite, test } from '@vitest/runner';
export type { TestContext } from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

const holder = globalThis as unknown as Record<symbol, ExpectStatic>;

const plain = (value: unknown, message?: string) => {
  setState({ assertionCalls: getState(expect).assertionCalls + 1 }, expect);
  return chai.expect(value, message);
};

/** As vitest's own, but for snapshots and polling. */
export const expect = Object.assign(
  plain,
  chai.expect,
  holder[ASYMMETRIC_MATCHERS_OBJECT as unknown as symbol],
) as unknown as ExpectStatic;
expect.getState = () => getState(expect);
expect.setState = (state) => setState(state, expect);
holder[GLOBAL_EXPECT as unknown as symbol] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, expect);
