/**
 * @typedef {{ kind: 'module', language: 'js' | 'ts', code: string, args: string }
 *   | { kind: 'commands', lines: string[] }} Example
 */

/**
 * A package's example: its README's first block of JavaScript or TypeScript; for a package that is a command, failing
 * that, the lines of its first shell block that call it. A module may begin with how it is called:
 * `// node example.mjs FOLDER "a prompt"`; paths are from the project it is installed in.
 *
 * @param {string} markdown
 * @param {readonly string[]} commands - Names of the package's commands.
 * @returns {Example | undefined}
 */
export function readmeExample(markdown, commands = []) {
  const blocks = [...markdown.matchAll(/^```(\w+)[^\n]*\n(.*?)^```\s*$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
  const module = blocks.find(({ language }) => /^(js|mjs|javascript|ts|typescript)$/.test(language));
  if (module) {
    const args = /^\/\/ node \S+ (.+)$/m.exec(module.code.split('\n', 1)[0] ?? '')?.[1] ?? '';
    return { kind: 'module', language: module.language.startsWith('t') ? 'ts' : 'js', code: module.code, args };
  }
  const shell = blocks.find(({ language }) => /^(sh|bash|shell|console)$/.test(language));
  const lines = (shell?.code.split('\n') ?? [])
    .map((line) =>
      line
        .replace(/^\$ /, '')
        .replace(/^npx (--yes |-y )?/, '')
        .trim(),
    )
    // `npx @pleinair/cli …` runs the command under its package's name.
    .map((line) => line.replace(/^@[\w-]+\/[\w-]+ /, () => `${commands[0]} `))
    .filter((line) => commands.some((command) => line === command || line.startsWith(`${command} `)));
  return lines.length > 0 ? { kind: 'commands', lines } : undefined;
}

/**
 * What a README says to install: the names after each `npm install` in code, inline or in a block.
 *
 * @param {string} markdown
 * @returns {string[]}
 */
export function readmeInstalls(markdown) {
  const lines = [...markdown.matchAll(/(?:`|^(?:\$ )?)npm (?:install|i) ([^`\n]+)/gm)].map(([, names = '']) => names);
  return [...new Set(lines.flatMap((line) => line.trim().split(/\s+/)).filter((name) => !name.startsWith('-')))];
}
