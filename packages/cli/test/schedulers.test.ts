import { readFile } from 'node:fs/promises';
import { listSchedulers, schedulerNames, type SchedulerEntry } from '@pleinair/schedulers';
import { describe, expect, it } from 'vitest';
import { lastLine, runCli } from './run-cli.js';

describe('pleinair schedulers', () => {
  it('shows each by name, AUTOMATIC1111’s name and class, and what a step costs', async () => {
    const { code, out } = await runCli('schedulers');
    expect(code).toBe(0);
    const lines = out.split('\n');
    for (const { name, aliases, className, evaluations, use } of listSchedulers()) {
      const line = lines.find((each) => each.startsWith(`${name} `));
      expect(line).toContain(aliases[0]);
      expect(line).toContain(className.replace('Scheduler', ''));
      expect(line).toContain(evaluations === 2 ? '2 runs' : '1 run');
      expect(line).toContain(use);
    }
    expect(out).toContain('-karras');
  });

  it('gives the same as JSON', async () => {
    const { schedulers, classes } = lastLine((await runCli('schedulers', '--json')).out);
    expect(schedulers).toEqual(listSchedulers());
    expect(schedulerNames()).toEqual([...listSchedulers().map(({ name }) => name), ...(classes as string[])]);
  });

  it('refuses levels that are no numbers before anything is loaded', async () => {
    for (const flag of ['--sigmas', '--timesteps']) {
      const { code, err } = await runCli('generate', 'a tree', flag, '10,x,0');
      expect(code).toBe(2);
      expect(err).toContain('numbers with commas');
    }
  });

  it('is what docs/schedulers.md tells', async () => {
    const page = await readFile(new URL('../../../docs/schedulers.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
    const row = ({ name, aliases, className, order, evaluations, stochastic }: SchedulerEntry): string[] => [
      `\`${name}\``,
      className,
      aliases[0]!,
      String(order),
      String(evaluations),
      stochastic ? 'yes' : '',
    ];
    for (const entry of listSchedulers()) {
      const found = cells.find((each) => each[1] === `\`${entry.name}\``);
      expect(found?.slice(1, 7), entry.name).toEqual(row(entry));
    }
  });
});
