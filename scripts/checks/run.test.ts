import { describe, expect, it } from 'vitest';
import { chooseProjects } from './machine.mjs';
import { readmeExample, readmeInstalls } from './readme-example.mjs';
import { Tally } from './tally.mjs';
import { judge } from './vitest.mjs';

const test = (project: string, state: 'passed' | 'failed' | 'skipped', reason?: string) => ({
  project,
  name: 'a.test.ts > a',
  state,
  reason,
});

const states = (results: { state: string }[]) => results.map(({ state }) => state);

describe('judging a run', () => {
  const whole = { narrowed: false };

  it('counts each test as it came out', () => {
    const tests = [test('node', 'passed'), test('lavapipe', 'failed', 'x'), test('lavapipe', 'skipped', 'no f16')];
    expect(states(judge(tests, whole))).toEqual(['passed', 'failed', 'skipped']);
  });
  it('fails a skip without a reason', () => {
    expect(states(judge([test('gpu', 'passed'), test('node', 'skipped')], whole))).toEqual(['passed', 'failed']);
  });
  it("takes a reason from the end of a skipped test's name", () => {
    const named = { ...test('lavapipe', 'skipped'), name: 'a.test.ts > runs out (an adapter that does: SwiftShader)' };
    const results = judge([test('gpu', 'passed'), named], whole);
    expect(results.at(1)).toMatchObject({ state: 'skipped', reason: 'an adapter that does: SwiftShader' });
  });
  it("takes a reason from the end of a skipped suite's name, and from nowhere else", () => {
    const of = (name: string) => ({ ...test('swiftshader', 'skipped'), name });
    const named = [
      of('a.test.ts > bench (asked of one adapter) > prints'),
      of('a.test.ts > bench (twice) over > prints'),
    ];
    const [suite, middle] = judge([test('gpu', 'passed'), ...named], whole).slice(1);
    expect(suite).toMatchObject({ state: 'skipped', reason: 'asked of one adapter' });
    expect(middle).toMatchObject({ state: 'failed' });
  });
  it('fails a run in which every GPU test was skipped, or none was there', () => {
    const skipped = judge([test('node', 'passed'), test('lavapipe', 'skipped', 'why')], whole);
    expect(skipped.at(-1)).toMatchObject({ name: 'GPU tests', state: 'failed' });
    expect(judge([test('node', 'passed')], whole).at(-1)).toMatchObject({ name: 'GPU tests', state: 'failed' });
    expect(judge([test('browser', 'passed')], whole).at(-1)).toMatchObject({ name: 'GPU tests', state: 'failed' });
  });
  it('asks neither of a run narrowed by hand', () => {
    expect(states(judge([test('node', 'skipped')], { narrowed: true }))).toEqual(['skipped']);
  });
});

describe('the tally', () => {
  it('ends with the numbers, weighing counts', () => {
    const tally = new Tally();
    tally.add({ name: 'a', state: 'passed', count: 3 }, { name: 'b', state: 'failed', reason: 'why\nmore' });
    tally.add({ name: 'c', state: 'skipped', reason: 'no GPU' }, { name: 'd', state: 'skipped', reason: 'no GPU' });
    expect(tally.summary()).toEqual([
      'Skipped:',
      '  2 × no GPU',
      '      c, d',
      'Failed:',
      '  b: why',
      '3 passed, 1 failed, 2 skipped',
    ]);
  });
  it('is one line where there is nothing to say', () => {
    expect(new Tally().summary()).toEqual(['0 passed, 0 failed, 0 skipped']);
  });
});

describe('choosing projects', () => {
  const nothing = { adapter: undefined, lavapipe: undefined, swiftshader: undefined, chromium: undefined };
  const options = { slow: false, noChromium: 'no browser' };
  const leftOut = (found: Partial<Parameters<typeof chooseProjects>[0]>, slow = false) =>
    chooseProjects({ ...nothing, ...found }, { ...options, slow }).leftOut.map(({ name }) => name);

  it('gives a reason for each it leaves out', () => {
    const machine = chooseProjects(nothing, options);
    expect(machine.variables).toEqual({});
    expect(machine.leftOut.map(({ name }) => name)).toEqual(['lavapipe', 'swiftshader', 'gpu', 'browser', 'slow']);
    for (const { reason } of machine.leftOut) expect(reason).not.toBe('');
  });
  it('tests software adapters by name, not as the machine’s own', () => {
    const adapter = { name: 'llvmpipe', software: true };
    expect(leftOut({ adapter, lavapipe: '/l', swiftshader: '/s', chromium: '/c' }, true)).toEqual(['gpu']);
  });
  it('tests a real GPU, and a software adapter it has no name for', () => {
    expect(leftOut({ adapter: { name: 'M4', software: false } })).not.toContain('gpu');
    expect(leftOut({ adapter: { name: 'WARP', software: true } })).not.toContain('gpu');
  });
});

describe("a README's example", () => {
  it('is the first block of JavaScript or TypeScript', () => {
    const text = '# x\n```sh\nnpm i x\n```\n```ts\nimport { a } from "a";\n```\n```js\nb\n```\n';
    expect(readmeExample(text)).toEqual({ kind: 'module', language: 'ts', code: 'import { a } from "a";\n', args: '' });
  });
  it('says itself what it is called with', () => {
    const code = '// node example.mjs a/b "two words"\nimport { a } from "a";\n';
    expect(readmeExample(`\`\`\`js\n${code}\`\`\`\n`)).toEqual({
      kind: 'module',
      language: 'js',
      code,
      args: 'a/b "two words"',
    });
  });
  it("is a command's calls, where there is no module", () => {
    const text =
      '```sh\nnpm i -g pleinair\n$ npx pleinair plan sdxl-base --json\nnpx @pleinair/cli doctor\npleinairs\n```\n';
    expect(readmeExample(text, ['pleinair'])).toEqual({
      kind: 'commands',
      lines: ['pleinair plan sdxl-base --json', 'pleinair doctor'],
    });
  });
  it('is missing where there is neither', () => {
    expect(readmeExample('# x\n```sh\nnpm i x\n```\n', ['x'])).toBeUndefined();
    expect(readmeExample('')).toBeUndefined();
  });
  it('may need what the README says to install', () => {
    const text = 'First `npm install a @b/c`, as npm install does.\n```sh\nnpm i a d --save-dev\n$ npm i -g e\n```\n';
    expect(readmeInstalls(text)).toEqual(['a', '@b/c', 'd', 'e']);
    expect(readmeInstalls('Run `npm install` and `npm ci`.')).toEqual([]);
  });
});
