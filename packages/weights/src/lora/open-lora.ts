import { nearestNames } from '../nearest-names.js';
import { openSafetensors, type SafetensorsEntry, type SafetensorsFile } from '../safetensors-file.js';
import type { ModelSource, ReadOptions } from '../source.js';
import { AdapterError } from './errors.js';
import { factorKey, type FactorRole } from './factor-keys.js';
import { LoraModule } from './lora-module.js';
import { ModuleNames, type LoraTarget } from './module-names.js';
import { peftMultipliers } from './peft-metadata.js';

/** A LoRA matched with a model: what it changes, and where its factors lie. Only its header was read. */
export interface Lora {
  /** Its file's name without folder and ending. */
  readonly name: string;
  /** By part, then by tensor. */
  readonly modules: ReadonlyMap<string, ReadonlyMap<string, LoraModule>>;
  /** What the user should know: keys that name nothing, kinds that are left out. */
  readonly notes: readonly string[];
}

/** Widths of cross-attention by which kinds of models are known. */
const families: ReadonlyMap<number, string> = new Map([
  [768, 'Stable Diffusion 1.x'],
  [1024, 'Stable Diffusion 2.x'],
  [2048, 'Stable Diffusion XL'],
  [1280, "Stable Diffusion XL's refiner"],
]);

/**
 * Opens a LoRA file for a model: kohya's key forms (diffusers' block names, or the original ones that SDXL files have),
 * diffusers' and PEFT's; LoRA, LoCon, LoHa and LoKr.
 *
 * @param path - Relative to the source.
 * @param targets - Every tensor of the model that may be changed, whether or not a run reads it.
 * @throws AdapterError `lora/…` with a code of its table; what `openSafetensors` throws.
 */
export async function openLora(
  source: ModelSource,
  path: string,
  targets: readonly LoraTarget[],
  options: ReadOptions = {},
): Promise<Lora> {
  refusePickle(path, 'lora/pickle');
  const file = await openSafetensors(source, path, options);
  const names = new ModuleNames(targets);
  const { modules, unread, keyless } = groupFactors(file);
  if (unread.has('DoRA')) {
    throw new AdapterError(
      'lora/unsupported',
      `${path}: expected LoRA, LoCon, LoHa or LoKr, got DoRA (${unread.get('DoRA')![0]}). ` +
        "Its magnitudes depend on the model's weights; merge it into a checkpoint with the tool that made it.",
    );
  }
  const multipliers = peftMultipliers(file.metadata);
  const found: { readonly module: string; readonly target: LoraTarget }[] = [];
  const unknown: string[] = [...keyless];
  for (const module of modules.keys()) {
    const target = names.find(module);
    if (target) found.push({ module, target });
    else unknown.push(module);
  }
  const other = otherFamily(file, modules, targets);
  if (other !== undefined && (found.length === 0 || unknown.length > 0 || !fits(modules, found))) {
    throw new AdapterError('lora/other-model', `${path}: ${other} Use one made for this model.`);
  }
  if (found.length === 0) {
    throw new AdapterError(
      'lora/no-match',
      `${path}: expected keys that name tensors of this model, got ${unknown.length === 0 ? 'none' : listed(unknown, names)}. ` +
        'Check that it is a LoRA for this kind of model.',
    );
  }
  const byPart = new Map<string, Map<string, LoraModule>>();
  for (const { module, target } of found) {
    const made = new LoraModule(file, module, target, modules.get(module)!, multipliers(module));
    const part = byPart.get(target.part) ?? new Map<string, LoraModule>();
    byPart.set(target.part, part);
    const before = part.get(target.tensor);
    if (before) {
      throw new AdapterError(
        'lora/shape',
        `${path}: expected ${target.tensor} once, got it as ${before.name} and as ${module}. Save the file again in one form.`,
      );
    }
    part.set(target.tensor, made);
  }
  const name = loraName(path);
  const notes: string[] = [];
  if (unknown.length > 0) {
    notes.push(
      `LoRA ${name}: ${unknown.length} of ${unknown.length + found.length} modules name nothing in this model and have no effect: ${listed(unknown, names)}.`,
    );
  }
  for (const [kind, keys] of unread) {
    notes.push(
      `LoRA ${name}: ${keys.length} keys of a kind that is not read (${kind}) have no effect, such as ${keys[0]}.`,
    );
  }
  return { name, modules: byPart, notes };
}

/** A LoRA's name: that of its file. */
function loraName(path: string): string {
  return path.replace(/^.*[\\/]/, '').replace(/\.safetensors$/i, '');
}

/**
 * Refuses files that hold pickles, which can run code.
 *
 * @throws AdapterError with that code.
 */
export function refusePickle(path: string, code: string): void {
  if (!/\.(?:pt|pth|bin|ckpt|pkl)$/i.test(path)) return;
  throw new AdapterError(
    code,
    `${path}: expected a .safetensors file, got a pickle, which can run code when it is read. ` +
      'Convert it in Python: safetensors.torch.save_file(torch.load(path, weights_only=True), "name.safetensors").',
  );
}

interface Grouped {
  readonly modules: ReadonlyMap<string, Map<FactorRole, SafetensorsEntry>>;
  /** Keys of kinds that are not read. */
  readonly unread: ReadonlyMap<string, readonly string[]>;
  /** Keys that are of no known form. */
  readonly keyless: readonly string[];
}

function groupFactors(file: SafetensorsFile): Grouped {
  const modules = new Map<string, Map<FactorRole, SafetensorsEntry>>();
  const unread = new Map<string, string[]>();
  const keyless: string[] = [];
  for (const [key, entry] of file.entries) {
    const { module, role, unread: kind } = factorKey(key);
    if (role === undefined) {
      if (kind === undefined) keyless.push(key);
      else unread.set(kind, [...(unread.get(kind) ?? []), key]);
      continue;
    }
    const factors = modules.get(module) ?? new Map<FactorRole, SafetensorsEntry>();
    modules.set(module, factors.set(role, entry));
  }
  // An alpha alone changes nothing.
  for (const [module, factors] of modules) if (factors.size === 1 && factors.has('alpha')) modules.delete(module);
  return { modules, unread, keyless };
}

/** The first few names, each with the nearest that would have meant something. */
function listed(unknown: readonly string[], names: ModuleNames): string {
  const shown = unknown.slice(0, 5).map((module) => {
    const [near] = nearestNames(module, names.candidates(module), 1);
    return near === undefined ? module : `${module} (the nearest is ${near})`;
  });
  return shown.join(', ') + (unknown.length > 5 ? ` and ${unknown.length - 5} more` : '');
}

/** Numbers a token that keys and values of cross-attention read. */
function contextWidth(shapes: Iterable<readonly [string, readonly number[]]>): number | undefined {
  for (const [name, shape] of shapes) if (/attn2[._](?:processor[._])?to_[kv](?:$|[._])/.test(name)) return shape[1];
  return undefined;
}

/** In words, what kind of model a LoRA is of, where that is not the model's. */
function otherFamily(
  file: SafetensorsFile,
  modules: Grouped['modules'],
  targets: readonly LoraTarget[],
): string | undefined {
  const ours = contextWidth(targets.map(({ tensor, shape }) => [tensor, shape] as const));
  const theirs = contextWidth(
    [...modules].flatMap(([name, factors]) => {
      const down = factors.get('down') ?? factors.get('hada_w1_b');
      return down ? [[name, down.shape] as const] : [];
    }),
  );
  if (ours === undefined || theirs === undefined || ours === theirs) return undefined;
  const said = file.metadata['ss_base_model_version'] ?? file.metadata['modelspec.architecture'];
  const called = (width: number): string => families.get(width) ?? 'a model';
  return (
    `expected a LoRA for ${called(ours)}, whose cross-attention reads ${ours} numbers a token, ` +
    `got one for ${called(theirs)} of ${theirs}${said === undefined ? '' : ` (the file says ${said})`}.`
  );
}

/** Whether every matched product has the width its target asks for. */
function fits(
  modules: Grouped['modules'],
  found: readonly { readonly module: string; readonly target: LoraTarget }[],
): boolean {
  return found.every(({ module, target }) => {
    const down = modules.get(module)!.get('down');
    return !down || modules.get(module)!.has('mid') || down.shape[1] === target.shape[1];
  });
}
