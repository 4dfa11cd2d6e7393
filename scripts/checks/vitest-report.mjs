import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * @typedef {object} ReportedTest
 * @property {string} project - "node", "lavapipe", …
 * @property {string} name - File and full name.
 * @property {'passed' | 'failed' | 'skipped'} state
 * @property {string | undefined} reason - A skip's note, a failure's message.
 */

/**
 * A reporter for vitest that leaves a list of all tests in the file PLEINAIR_REPORT names. Vitest's own JSON reporter
 * knows neither a test's project nor the reason it was skipped for.
 */
export default class ListReporter {
  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<import('@vitest/utils').SerializedError>} errors
   */
  onTestRunEnd(modules, errors) {
    /** @type {ReportedTest[]} */
    const tests = [];
    for (const module of modules) {
      // A browser project is called "browser (chromium)".
      const project = module.project.name.replace(/ \(.*\)$/, '');
      const file = relative(process.cwd(), module.moduleId);
      /** @param {string} reason */
      const failed = (reason) => tests.push({ project, name: file, state: 'failed', reason });
      for (const error of module.errors()) failed(error.message);
      for (const suite of module.children.allSuites()) for (const error of suite.errors()) failed(error.message);
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${file} > ${test.fullName}`;
        if (result.state === 'skipped') tests.push({ project, name, state: 'skipped', reason: result.note });
        else if (result.state === 'passed') tests.push({ project, name, state: 'passed', reason: undefined });
        else {
          // Still pending when the run ended: the worker died under it.
          const reason = result.errors?.[0]?.message ?? 'never finished';
          tests.push({ project, name, state: 'failed', reason });
        }
      }
    }
    for (const error of errors) {
      tests.push({ project: 'run', name: 'outside of any test', state: 'failed', reason: error.message });
    }
    const file = process.env.PLEINAIR_REPORT;
    if (file) writeFileSync(file, JSON.stringify(tests));
  }
}
