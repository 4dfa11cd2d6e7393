/**
 * What PEFT and diffusers (since 0.34) say of an adapter in a file's metadata, as JSON under `lora_adapter_metadata`: the
 * rank and alpha that files in their form have no tensor for.
 *
 * @returns What stands for `alpha / rank` of a module; undefined where the file says nothing, which means 1.
 */
export function peftMultipliers(metadata: Readonly<Record<string, string>>): (module: string) => number | undefined {
  const text = metadata['lora_adapter_metadata'];
  if (text === undefined) return () => undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return () => undefined; // written by a person: not what PEFT writes
  }
  if (!isObject(json)) return () => undefined;
  return (module) => {
    const [part = ''] = module.split('.');
    const rest = module.slice(part.length + 1);
    const of = (key: string): unknown => json[`${part}.${key}`] ?? json[key];
    const rank = patterned(of('rank_pattern'), rest) ?? of('r');
    const alpha = patterned(of('alpha_pattern'), rest) ?? of('lora_alpha');
    if (typeof rank !== 'number' || typeof alpha !== 'number' || rank <= 0) return undefined;
    return alpha / (of('use_rslora') === true ? Math.sqrt(rank) : rank);
  };
}

/** The number that a table of endings of module names gives for one. */
function patterned(table: unknown, module: string): number | undefined {
  if (!isObject(table)) return undefined;
  const found = Object.entries(table).find(([name]) => module === name || module.endsWith(`.${name}`));
  return typeof found?.[1] === 'number' ? found[1] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
