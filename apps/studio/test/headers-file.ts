/** The rules of a `_headers` file, as hosts that follow it read them. */
export function headersOf(file: string): (path: string) => Readonly<Record<string, string>> {
  const rules: { readonly pattern: RegExp; readonly headers: Record<string, string> }[] = [];
  for (const line of file.split('\n').filter((each) => each.trim() !== '')) {
    if (!line.startsWith(' ')) {
      const pattern = line.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*');
      rules.push({ pattern: new RegExp(`^${pattern}$`), headers: {} });
      continue;
    }
    const colon = line.indexOf(':');
    rules.at(-1)!.headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return (path) => Object.assign({}, ...rules.filter(({ pattern }) => pattern.test(path)).map((rule) => rule.headers));
}
