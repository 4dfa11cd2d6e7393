import { parseArgs } from 'node:util';
import { apiModels } from './api-models.js';
import type { Limits } from './image-request.js';

export const usage = `pleinair-openai-server [flags]

  --model [NAME=]PLACE   a folder, a .safetensors checkpoint, owner/name on the Hub, or an HTTP address; may be given
                         several times, the first is the default (default: demo, the bundled model)
  --alias OTHER=NAME     another name for a model; may be given several times. The API's own names (dall-e-3,
                         gpt-image-1, …) mean the first model unless this says otherwise
  --strict-models        answers to no name but those given
  --host HOST            default 127.0.0.1: this machine only
  --port N               default 8188; 0 takes any free one
  --api-key KEY          clients must send it; also from PLEINAIR_API_KEY (default: everybody may paint)
  --queue N              requests that may wait while one paints (default 16)
  --max-pictures N       of one request (default 10)
  --max-size N           pixels of a side of the largest square (default 1360: all usual sizes, 1792×1024 too)
  --sizes fit|exact      a size far from the model's own is painted near that and resampled, or painted as it is
                         (default fit)
  --public-url URL       where clients reach this server, if behind a proxy: for addresses of pictures
  --max-steps N          default 100
  --memory MODE          what stays on the GPU between pictures: low, balanced, resident, or auto, by what the adapter
                         allows (default auto)`;

/** A mistake on the command line, in words. */
export class UsageError extends Error {}

/** The command line, read. */
export interface MainOptions {
  /** Places by name, the default first. */
  readonly models: ReadonlyMap<string, string>;
  readonly aliases: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  readonly apiKey: string | undefined;
  readonly publicUrl: string | undefined;
  readonly sizes: (typeof sizeModes)[number];
  readonly queue: number;
  readonly limits: Limits;
  readonly memory: (typeof memoryModes)[number];
}

const sizeModes = ['fit', 'exact'] as const;
const memoryModes = ['auto', 'low', 'balanced', 'resident'] as const;

const flags = {
  model: { type: 'string', multiple: true },
  alias: { type: 'string', multiple: true },
  'strict-models': { type: 'boolean', default: false },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8188' },
  'api-key': { type: 'string' },
  queue: { type: 'string', default: '16' },
  'max-pictures': { type: 'string', default: '10' },
  'max-size': { type: 'string', default: '1360' },
  'max-steps': { type: 'string', default: '100' },
  sizes: { type: 'string', default: 'fit' },
  'public-url': { type: 'string' },
  memory: { type: 'string', default: 'auto' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Reads the command line.
 *
 * @param demo - The bundled model's folder.
 * @throws {@link UsageError}
 */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  demo: string,
): MainOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const models = new Map((values.model ?? [`demo=${demo}`]).map(namedPlace));
  const usual = values['strict-models'] ? [] : apiModels.filter((name) => !models.has(name));
  const aliases: Record<string, string> = Object.fromEntries(usual.map((name) => [name, [...models.keys()][0]!]));
  for (const [alias, name] of (values.alias ?? []).map((text) => pair('alias', text))) {
    aliases[alias] = oneOf(`alias ${alias}`, name, [...models.keys()]);
  }
  return {
    models,
    aliases,
    host: values.host,
    port: count('port', values.port, 0, 65_535),
    apiKey: values['api-key'] ?? env['PLEINAIR_API_KEY'],
    publicUrl: address('public-url', values['public-url']),
    sizes: oneOf('sizes', values.sizes, sizeModes),
    queue: count('queue', values.queue, 0, 10_000),
    limits: {
      pictures: count('max-pictures', values['max-pictures'], 1, 100),
      pixels: count('max-size', values['max-size'], 8, 8192) ** 2,
      steps: count('max-steps', values['max-steps'], 1, 1000),
    },
    memory: oneOf('memory', values.memory, memoryModes),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

/** `NAME=PLACE`, or a place that is named by its last part. An address may hold "=" after its beginning. */
function namedPlace(text: string): [string, string] {
  const match = /^([\w.@-]+)=(.+)$/s.exec(text);
  if (match) return [match[1]!, match[2]!];
  const name = text
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1);
  return [name === '' || name === undefined ? text : name, text];
}

function pair(flag: string, text: string): [string, string] {
  const match = /^([^=]+)=(.+)$/s.exec(text);
  if (!match) throw new UsageError(`--${flag}: expected OTHER=NAME, got ${JSON.stringify(text)}.`);
  return [match[1]!, match[2]!];
}

function oneOf<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
  const word = words.find((one) => one === text);
  if (word !== undefined) return word;
  throw new UsageError(`--${flag}: expected one of ${words.join(', ')}, got ${text}.`);
}

/** An address without the slash at its end. */
function address(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new UsageError(`--${flag}: expected an address such as https://pictures.example.org, got ${text}.`);
}

function count(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${flag}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}.`);
}
