import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** @typedef {{ code: string, message: string, file: string }} ErrorCode */

const CODE = /^(cancelled|[a-z]+\/[a-z0-9-]+)$/;

/**
 * Every error that the sources throw with a code: calls whose first argument is a code and of which another is a sentence,
 * values named `code`, as applications hand them on, and those that a class lists in its TSDoc.
 *
 * @param {string} root - The repository.
 * @returns {ErrorCode[]} By code; the first message where there are several.
 */
export function errorCodes(root) {
  /** @type {Map<string, ErrorCode>} */
  const found = new Map();
  /** @type {Map<string, ErrorCode>} */
  const told = new Map();
  /** @type {Map<string, ErrorCode>} */
  const bare = new Map();
  for (const file of sources(root)) {
    const text = readFileSync(join(root, file), 'utf8');
    // Some are put together of parts; those stand in their class's table.
    for (const [, names = '', message = ''] of text.matchAll(
      /^ \* \| ((?:`[a-z]+\/[a-z0-9-]+`(?:, )?)+) \| (.+) \|$/gm,
    )) {
      for (const [, code = ''] of names.matchAll(/`([^`]+)`/g)) told.set(code, { code, message, file });
    }
    if (!/'(cancelled|[a-z]+\/[a-z0-9-]+)'/.test(text)) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
    /** @param {ts.Node} node */
    const visit = (node) => {
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        const [first, ...rest] = node.arguments ?? [];
        if (first && ts.isStringLiteral(first) && CODE.test(first.text)) {
          const message = rest.map(sentence).find((one) => one !== undefined);
          const known = found.get(first.text);
          if (message && !known) found.set(first.text, { code: first.text, message, file });
        }
      }
      if (
        file.startsWith('apps/') &&
        (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node)) &&
        node.name.getText() === 'code'
      ) {
        for (const code of node.initializer ? codesIn(node.initializer) : [])
          bare.set(code, { code, message: '', file });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return [...new Map([...bare, ...told, ...found]).values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/**
 * The codes as Markdown, a table for each family.
 *
 * @param {readonly ErrorCode[]} codes
 */
export function codesPage(codes) {
  const families = [...new Set(codes.map(({ code }) => familyOf(code)))];
  return families
    .map((family) => {
      const rows = codes
        .filter(({ code }) => familyOf(code) === family)
        .map(({ code, message }) => `| <span id="${code.replace('/', '-')}"></span>\`${code}\` | ${cell(message)} |`);
      return ['| code | says |', '| --- | --- |', ...rows].join('\n');
    })
    .join('\n\n');
}

/**
 * @param {string} code
 * @returns {string} `device` of `device/lost`.
 */
export function familyOf(code) {
  return code.split('/')[0] ?? code;
}

/**
 * Whether a code's message ends with what to do: all that read `where: expected X, got Y. What to do.` in one piece.
 *
 * @param {ErrorCode} code
 */
export function hasCure({ message }) {
  return /[.!?] \S.*[.!?…]$/s.test(message.trim());
}

/**
 * @param {ts.Node} node
 * @returns {string[]} The codes that it may come to.
 */
function codesIn(node) {
  if (ts.isStringLiteral(node)) return CODE.test(node.text) ? [node.text] : [];
  return ts.isConditionalExpression(node) ? [...codesIn(node.whenTrue), ...codesIn(node.whenFalse)] : [];
}

/** @param {string} text */
function cell(text) {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\\`*_{}[\]<>|]/g, (sign) => `&#${sign.codePointAt(0)};`)
    .trim();
}

/**
 * @param {ts.Node} node
 * @returns {string | undefined} A text of several words, with … for what is filled in.
 */
function sentence(node) {
  const text = textOf(node);
  return text !== undefined && /\S \S/.test(text) ? text : undefined;
}

/**
 * @param {ts.Node} node
 * @returns {string | undefined}
 */
function textOf(node) {
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression);
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left), textOf(node.right)];
    return left === undefined && right === undefined ? undefined : `${left ?? '…'}${right ?? '…'}`;
  }
  return undefined;
}

/** @param {string} root */
function sources(root) {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).flatMap((name) => {
      if (name === 'testing') return [];
      return readdirSync(join(root, parent, name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.(test|d)\.ts$/.test(entry.name))
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(root.length)
            .replace(/^[/\\]/, '')
            .replaceAll('\\', '/'),
        )
        .filter((file) => /^(packages|apps)\/[\w-]+\/src\//.test(file));
    }),
  );
}
