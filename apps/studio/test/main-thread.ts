import type { Browser, Page } from 'playwright-core';

/** What a page's main thread did while something happened. */
export interface MainThreadUse {
  /** Milliseconds by the clock. */
  readonly wallMs: number;
  /** Processor time of its tasks: other work of the machine does not stretch it. */
  readonly busyMs: number;
  /** Processor time of the longest of them. The page answers to nobody that long. */
  readonly longestMs: number;
}

/** An event of Chromium's trace. Times are microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  /** Processor time of the thread. */
  readonly tdur?: number;
}

const mark = 'main thread under test';

/** Watches a page's main thread while something happens. */
export async function mainThreadDuring(
  browser: Browser,
  page: Page,
  body: () => Promise<unknown>,
): Promise<MainThreadUse> {
  await browser.startTracing(page, { categories: ['blink.user_timing', 'disabled-by-default-devtools.timeline'] });
  // Says which of all threads in the trace it is.
  await page.evaluate((name) => void performance.mark(name), mark);
  const started = performance.now();
  let trace: Buffer;
  let wallMs: number;
  try {
    await body();
    // An answer may come from within the last task: by then it has ended, and is in the trace.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 0)));
  } finally {
    wallMs = performance.now() - started;
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const marked = traceEvents.find(({ name }) => name === mark);
  if (!marked) throw new Error('mainThreadDuring: the trace holds no mark of the page');
  const taskMs = traceEvents
    .filter(({ name, pid, tid }) => name === 'RunTask' && pid === marked.pid && tid === marked.tid)
    // One that was under way when the trace began is told without.
    .flatMap(({ tdur }) => (tdur === undefined ? [] : tdur / 1000));
  if (taskMs.length === 0) throw new Error('mainThreadDuring: this browser traces no processor time of tasks');
  return { wallMs, busyMs: taskMs.reduce((sum, each) => sum + each, 0), longestMs: Math.max(...taskMs) };
}
