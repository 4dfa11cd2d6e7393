import { describe, expect, it } from 'vitest';
import { faultOf } from './command-faults.js';
import { commandLinesOf } from './command-lines.js';
import { documents } from './samples.js';

async function faultsIn(document: string, text?: string): Promise<string[]> {
  const faults: string[] = [];
  for (const line of commandLinesOf(document, text)) {
    const fault = await faultOf(line);
    if (fault) faults.push(`${document}:${line.line}: ${line.words.join(' ')}: ${fault}`);
  }
  return faults;
}

/** What is said of one line of a shell block. */
const wrong = async (line: string): Promise<string> =>
  (await faultsIn('docs/wrong.md', `\`\`\`sh\n${line}\n\`\`\``)).join();

describe('commands of the documents', () => {
  it('all are commands that there are', async () => {
    const lines = documents().flatMap((document) => commandLinesOf(document));
    expect(lines.length).toBeGreaterThan(150);
    expect(lines.filter(({ whole }) => whole).length).toBeGreaterThan(70);
    const faults: string[] = [];
    for (const document of documents()) faults.push(...(await faultsIn(document)));
    expect(faults).toEqual([]);
  });

  it.each([
    ['npm run dance', 'expected a script of pleinair-workspace, got dance'],
    ['npm run dev -w pleinair-nothing', 'expected a workspace, got pleinair-nothing'],
    ['npm start "a tent"', 'expected -- before'],
    ['npm start -- "a tent" --sted 7', "unknown option '--sted'"],
    ['npm install pleinaire', 'expected a published package, got pleinaire'],
    ['npm run pleinair -- plam sdxl-base', "unknown command 'plam'"],
    ['npm run bench -- oops', 'expected suites among'],
    ['npx pleinair plan sdxl-base', 'pleinair has no command'],
    ['npx no-such-tool', 'expected a command of an installed package'],
    ['pleinair generate', "missing required argument 'prompt'"],
    ['pleinair generate "a tent" --steps many', "argument 'many' is invalid"],
    ['pleinair plan sdxl-base --memory tiny', "argument 'tiny' is invalid"],
    ['pleinair palettize apply demo', "missing required argument 'out'"],
    ['pleinair palettize', 'Commands:'],
    ['node apps/minimal/gone.mjs', 'expected a file, got apps/minimal/gone.mjs'],
    ['node apps/contact-sheet/contact-sheet.mjs prompts.txt --shape round', 'got --shape'],
    ['curl http://127.0.0.1:8188/v1/models', 'expected a program whose commands are checked'],
  ])('%s would be refused', async (line, said) => {
    expect(await wrong(line)).toContain(said);
  });

  it('are read in sentences and indented blocks as well, by their flags', async () => {
    const text =
      'Try `pleinair plan MODEL --colour`.\n\n    pleinair plan sdxl-base --colour\n    pleinair plan [--colour] MODEL\n';
    expect((await faultsIn('docs/wrong.md', text)).map((fault) => fault.replace(/: .*/s, ''))).toEqual([
      'docs/wrong.md:1',
      'docs/wrong.md:3',
      'docs/wrong.md:4',
    ]);
    expect(
      await faultsIn('docs/right.md', 'Try `pleinair plan MODEL`, which `npm run pleinair -- plan` runs.'),
    ).toEqual([]);
  });
});
