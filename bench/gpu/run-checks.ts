import { startTests, type File, type Task, type Test, type VitestRunner } from '@vitest/runner';

/** What came of a run. */
export interface CheckReport {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly error: string }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  readonly seconds: number;
}

/** How to go about it. */
export interface CheckOptions {
  /** Only files whose path holds this. */
  readonly filter?: string;
  /** No test is begun after this long. */
  readonly seconds?: number;
  readonly say: (line: string) => void;
}

/** Test files by path, not yet loaded. */
export type TestFiles = Readonly<Record<string, () => Promise<unknown>>>;

const minutes = 60_000;

/** Runs test files one after another in this process, as vitest would in one worker without isolation. */
export async function runChecks(files: TestFiles, options: CheckOptions): Promise<CheckReport> {
  const { filter, say, seconds = Infinity } = options;
  const paths = Object.keys(files).filter((path) => filter === undefined || path.includes(filter));
  const started = performance.now();
  const late = (): boolean => performance.now() - started > 1000 * seconds;
  const runner: VitestRunner = {
    config: {
      root: '/',
      setupFiles: [],
      name: undefined,
      passWithNoTests: false,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: 10 * minutes,
      hookTimeout: 10 * minutes,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: (path) => files[path]!(),
    onBeforeRunTask(task) {
      if (late()) task.mode = 'skip';
    },
    onAfterRunTask(task) {
      if (task.result?.state === 'fail') say(`FAIL ${nameOf(task)}\n     ${errorOf(task)}`);
    },
    onAfterRunSuite(suite) {
      if ('filepath' in suite) say(summaryOf(suite as File));
    },
  };
  const all = await startTests(paths, runner);
  const tests = all.flatMap(testsIn);
  const broken = all.filter(({ result, tasks }) => result?.errors?.length && tasks.length === 0);
  return {
    passed: tests.filter(({ result }) => result?.state === 'pass').length,
    failed: [...tests.filter(({ result }) => result?.state === 'fail'), ...broken].map((task) => ({
      name: nameOf(task),
      error: errorOf(task),
    })),
    skipped: tests
      .filter(({ mode, result }) => mode === 'skip' || result?.state === 'skip')
      .map((task) => ({ name: nameOf(task), reason: noteOf(task) })),
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

/** What a test gave as its reason; where a title says it, the title. */
function noteOf({ result, name }: Test): string {
  return (result as { note?: string } | undefined)?.note ?? name;
}

function testsIn(task: Task): Test[] {
  return task.type === 'test' ? [task] : task.tasks.flatMap(testsIn);
}

function nameOf(task: Task): string {
  const above = task.suite ? nameOf(task.suite) : 'filepath' in task || !task.file ? '' : task.file.name;
  return above ? `${above} › ${task.name}` : task.name;
}

function errorOf(task: Task): string {
  const [error] = task.result?.errors ?? [];
  return (error?.message ?? 'failed without an error').split('\n').slice(0, 4).join('\n     ');
}

function summaryOf(file: File): string {
  const states = testsIn(file).map(({ mode, result }) => (mode === 'skip' ? 'skip' : result?.state));
  const count = (state: string): number => states.filter((one) => one === state).length;
  const ms = file.result?.duration ?? 0;
  return `${count('fail') > 0 || file.result?.errors?.length ? 'FAIL' : 'ok  '} ${file.name}: ${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped, ${(ms / 1000).toFixed(1)} s`;
}
