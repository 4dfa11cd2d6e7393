// What users would install: packs every published package, checks the packed files, and runs each README's example in
// an empty project. Needs a build; `npm test` sees to that.
import { checkPackages } from './checks/packages.mjs';
import { Tally } from './checks/tally.mjs';
import { printResult } from './checks/print-result.mjs';

const tally = new Tally();
await checkPackages((result) => {
  tally.add(result);
  printResult(result);
});
console.log(tally.line());
if (tally.count('failed') > 0) process.exitCode = 1;
