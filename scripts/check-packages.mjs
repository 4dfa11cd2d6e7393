// What users would install: packs every published package, checks the packed files, and runs each README's example in
// an empty project of its own. Needs a build; `npm test` sees to that.
//
//   node scripts/check-packages.mjs [package …]
import { checkPackages } from './checks/packages.mjs';
import { Tally } from './checks/tally.mjs';
import { printResult } from './checks/print-result.mjs';

const tally = new Tally();
await checkPackages((result) => {
  tally.add(result);
  printResult(result);
}, process.argv.slice(2));
console.log(tally.line());
if (tally.count('failed') > 0) process.exitCode = 1;
