import { ldmModule, unetLayout } from './ldm-modules.js';

/** A tensor of the model that a LoRA may change. */
export interface LoraTarget {
  /** The part it belongs to, as its folder in diffusers layout: `unet`, `text_encoder`, `text_encoder_2`. */
  readonly part: string;
  /** E.g. `down_blocks.1.attentions.0.proj_in.weight`. */
  readonly tensor: string;
  /** `[out, in]` or `[out, in, kh, kw]`. */
  readonly shape: readonly number[];
}

/** Prefixes by which files say which part a module is of. Those of one kohya form end in `_`, all others in `.`. */
const prefixes: readonly (readonly [string, string])[] = [
  ['lora_unet_', 'unet'],
  ['lora_te1_', 'text_encoder'],
  ['lora_te2_', 'text_encoder_2'],
  ['lora_te_', 'text_encoder'],
  ['unet.', 'unet'],
  ['text_encoder_2.', 'text_encoder_2'],
  ['text_encoder.', 'text_encoder'],
  ['base_model.model.', 'unet'],
  ['model.diffusion_model.', 'unet'],
  ['diffusion_model.', 'unet'],
];

/** Finds which tensor of a model a module's name in a file means, whichever form the name has. */
export class ModuleNames {
  /** By part, then by name with every `.` as `_`. */
  private readonly targets = new Map<string, Map<string, LoraTarget>>();

  constructor(targets: readonly LoraTarget[]) {
    const moduleOf = ({ tensor }: LoraTarget): string => tensor.replace(/\.weight$/, '');
    const layout = unetLayout(targets.filter(({ part }) => part === 'unet').map(moduleOf));
    for (const target of targets) {
      const { part, shape, tensor } = target;
      if (shape.length < 2 || !tensor.endsWith('.weight')) continue;
      const module = moduleOf(target);
      const names = this.targets.get(part) ?? new Map<string, LoraTarget>();
      this.targets.set(part, names);
      names.set(flat(module), target);
      const original = part === 'unet' ? ldmModule(module, layout) : undefined;
      if (original !== undefined) names.set(flat(original), target);
    }
  }

  /** The tensor that a module of a file means, or undefined. */
  find(module: string): LoraTarget | undefined {
    const { part, rest } = splitPart(module);
    for (const [name, targets] of this.targets) {
      if (part !== undefined && part !== name) continue;
      for (const form of formsOf(rest)) {
        const target = targets.get(form);
        if (target) return target;
      }
    }
    return undefined;
  }

  /** Names near to one that means nothing, in the file's own form. */
  candidates(module: string): string[] {
    const { part, prefix, rest } = splitPart(module);
    const dotted = rest.includes('.');
    const names: string[] = [];
    for (const [name, targets] of this.targets) {
      if (part !== undefined && part !== name) continue;
      if (!dotted) names.push(...targets.keys());
      else for (const { tensor } of targets.values()) names.push(tensor.replace(/\.weight$/, ''));
    }
    return names.map((name) => prefix + name);
  }
}

function splitPart(module: string): { part: string | undefined; prefix: string; rest: string } {
  const found = prefixes.find(([prefix]) => module.startsWith(prefix));
  if (!found) return { part: undefined, prefix: '', rest: module };
  return { part: found[1], prefix: found[0], rest: module.slice(found[0].length) };
}

/** A name as it is, and as diffusers' attention processors had it: `attn1.processor.to_out` for `attn1.to_out.0`. */
function* formsOf(name: string): Generator<string> {
  const plain = flat(name.replace(/(^|\.)processor\./, '$1'));
  yield plain;
  if (plain.endsWith('_to_out')) {
    yield `${plain}_0`;
    yield plain.replace(/_to_out$/, '_out_proj');
  }
  const projection = /_to_([qkv])$/.exec(plain);
  if (projection) yield plain.replace(/_to_[qkv]$/, `_${projection[1]}_proj`);
}

function flat(name: string): string {
  return name.replaceAll('.', '_');
}
