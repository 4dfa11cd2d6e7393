// `npm test [-- FILTERS] [--slow]`: whatever set-up is still missing, then every check there is. FILTERS narrow the
// tests to files whose path holds one of them. The last line is "N passed, N failed, N skipped".
import { findMachine } from './checks/machine.mjs';
import { printResult } from './checks/print-result.mjs';
import { runStaticCheck, staticChecks } from './checks/static.mjs';
import { Tally } from './checks/tally.mjs';
import { judge, runVitest } from './checks/vitest.mjs';
import { checkWholeBuild } from './checks/whole-build.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupError, say, seconds } from './setup/say.mjs';

const start = performance.now();
const filters = process.argv.slice(2).filter((arg) => arg !== '--slow');
const slow = process.argv.includes('--slow');
const narrowed = filters.length > 0;
const tally = new Tally();

/** @param {import('./checks/tally.mjs').CheckResult} result */
const report = (result) => {
  tally.add(result);
  printResult(result);
};

try {
  const { adapter } = await prepare();
  const machine = await findMachine(adapter, { slow });
  say(`• Adapter: ${adapter ? adapter.name : 'none'}`);
  for (const { name, reason } of machine.leftOut) report({ name: `project ${name}`, state: 'skipped', reason });

  if (narrowed) {
    report({
      name: 'checks of sources and packages',
      state: 'skipped',
      reason: `only tests matching ${filters.join(' ')} were asked for`,
    });
  } else {
    say('• Checking sources, and building sites and samples');
    // Beside the others, most of which have work for one core only.
    const built = checkWholeBuild();
    for (const check of staticChecks()) report(await runStaticCheck(check));
    report(await built);
  }

  say('• Running tests');
  const env = { ...process.env, ...machine.variables };
  const results = judge(await runVitest({ env, filters }), { narrowed });
  tally.add(...results);

  if (!narrowed) {
    say('• Checking packages as users get them');
    // Imported only now: it needs what set-up installs.
    const { checkPackages } = await import('./checks/packages.mjs');
    await checkPackages(report);
  }
} catch (error) {
  const reason = error instanceof SetupError ? error.message : String(error instanceof Error ? error.stack : error);
  report({ name: 'the run itself', state: 'failed', reason });
}

say(`• Finished after ${seconds(performance.now() - start)}`);
for (const line of tally.summary()) console.log(line);
process.exitCode = tally.count('failed') > 0 ? 1 : 0;
