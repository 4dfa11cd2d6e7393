import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Application, Converter, ReflectionKind } from 'typedoc';

const pluginOptions = {
  router: 'module',
  entryFileName: 'index',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  expandObjects: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  enumMembersFormat: 'table',
};

/**
 * The API reference: a page for each way into a package, from TSDoc.
 *
 * @param {string} root - The repository.
 * @param {string} out - The pages' folder; written anew, or left alone where nothing changed.
 * @throws Where the reference cannot be made.
 */
export async function writeReference(root, out) {
  const entries = entryPoints(root);
  const stamp = join(root, '.cache', 'docs', 'reference');
  const digest = digestOf(root, entries);
  if (existsSync(join(out, 'index.md')) && readOr(stamp) === digest) return;
  rmSync(out, { recursive: true, force: true });
  const app = await Application.bootstrapWithPlugins({
    entryPoints: entries.map(({ file }) => file),
    tsconfig: join(root, 'tsconfig.json'),
    plugin: ['typedoc-plugin-markdown'],
    // Types are checked by tsc; here it would be done a second time.
    skipErrorChecking: true,
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    readme: 'none',
    name: 'API reference',
    outputs: [{ name: 'markdown', path: out }],
    logLevel: 'Warn',
    validation: { notExported: false, invalidLink: false },
    // Options of the plugin, which typedoc's own types do not know.
    .../** @type {object} */ (pluginOptions),
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const module of context.project.getReflectionsByKind(ReflectionKind.Module)) {
      const source = context.getSymbolFromReflection(module)?.declarations?.[0]?.getSourceFile().fileName;
      const entry = entries.find(({ file }) => file === source);
      if (entry) module.name = entry.name;
    }
  });
  const project = await app.convert();
  if (!project) throw new Error('docs: expected typedoc to read the sources, got nothing. See its messages above.');
  await app.generateOutputs(project);
  if (!existsSync(join(out, 'index.md'))) throw new Error('docs: the reference could not be written. See above.');
  mendAnchors(out);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

/**
 * Lets links lead to the places that VitePress makes: it numbers headings alone, where the plugin numbers what has none as
 * well, and it makes hyphens of underscores.
 *
 * @param {string} out - The pages' folder.
 */
function mendAnchors(out) {
  const texts = new Map(
    readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => [join(out, name), readFileSync(join(out, name), 'utf8')]),
  );
  const anchors = new Map([...texts].map(([file, text]) => [file, anchorsOf(text)]));
  for (const [file, text] of texts) {
    const mended = text.replace(/\]\(([^)\s#]*)#([^)\s]+)\)/g, (whole, path, anchor) => {
      const there = anchors.get(path === '' ? file : join(dirname(file), path));
      const found = [anchor, anchor.replaceAll('_', '-'), anchor.replace(/-\d+$/, '')].find((one) => there?.has(one));
      return found === undefined ? whole : `](${path}#${found})`;
    });
    if (mended !== text) writeFileSync(file, mended);
  }
}

/**
 * @param {string} text - Markdown.
 * @returns {Set<string>} Places on its page.
 */
function anchorsOf(text) {
  const found = new Set(Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = '']) => id));
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const [, heading = ''] of text.matchAll(/^#+ (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '');
    const before = counts.get(slug) ?? 0;
    found.add(before === 0 ? slug : `${slug}-${before}`);
    counts.set(slug, before + 1);
  }
  return found;
}

/**
 * @param {string} root
 * @returns {{ name: string, file: string }[]} What each package exports, by the name it is imported by.
 */
function entryPoints(root) {
  return readdirSync(join(root, 'packages')).flatMap((folder) => {
    const manifestFile = join(root, 'packages', folder, 'package.json');
    if (!existsSync(manifestFile)) return [];
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
    if (manifest.private) return [];
    return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
      const source = typeof target === 'object' ? target?.['pleinair-source'] : undefined;
      if (typeof source !== 'string') return [];
      return [{ name: manifest.name + subpath.slice(1), file: join(root, 'packages', folder, source) }];
    });
  });
}

/**
 * @param {string} root
 * @param {readonly { file: string }[]} entries
 */
function digestOf(root, entries) {
  const hash = createHash('sha256');
  const folders = new Set(entries.map(({ file }) => dirname(file)));
  for (const folder of [...folders].sort()) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
      const file = join(entry.parentPath, entry.name);
      hash
        .update(`${relative(root, file)}\0`)
        .update(readFileSync(file))
        .update('\0');
    }
  }
  return hash.update(readFileSync(new URL(import.meta.url))).digest('hex');
}

/** @param {string} file */
function readOr(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
