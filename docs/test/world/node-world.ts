import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelPath, palettizedModelUrl } from '@pleinair/demo-model';
import { HubServer } from '@pleinair/testing/hub';
import { encodeSafetensors, type TensorToWrite } from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import { vi } from 'vitest';
import { ModelShelf } from '../../../apps/openai-server/src/model-shelf.js';
import { createServer } from '../../../apps/openai-server/src/server.js';
import { PretendPainter } from '../../../apps/openai-server/test/pretend-painter.js';
import { checkpointNames } from '../../../packages/weights/test/checkpoint-names.js';
import { dreamscapeTensors } from './dreamscape.js';

/**
 * What samples that run in Node name: the folder they run in, with its models and files; a Hub; servers at the addresses they
 * fetch from. Models are the demo model, or made up in its form.
 */
export class NodeWorld {
  /** The folder samples are run in. */
  readonly folder = mkdtempSync(join(tmpdir(), 'pleinair-samples-'));
  private readonly hub = new HubServer();
  private readonly painters = new ModelShelf(['demo'], () => Promise.resolve(new PretendPainter()));
  private readonly images = createServer({
    shelf: this.painters,
    limits: { pictures: 4, pixels: 1024 * 1024, steps: 50 },
    queue: 1,
  });
  private readonly before = process.cwd();

  /** Everything in its place. Close it when done. */
  static async open(): Promise<NodeWorld> {
    const world = new NodeWorld();
    await world.furnish();
    return world;
  }

  /** Closes and deletes all of it. */
  async close(): Promise<void> {
    process.chdir(this.before);
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    await Promise.all([this.hub.stop(), this.images.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async furnish(): Promise<void> {
    const at = (path: string): string => join(this.folder, path);
    mkdirSync(at('models'));
    for (const name of ['sdxl', 'my-sdxl', 'stable-diffusion-xl-base-1.0']) {
      symlinkSync(modelPath, at(`models/${name}`), 'junction');
    }
    symlinkSync(fileURLToPath(palettizedModelUrl), at('sdxl-4.5-bit'), 'junction');
    const { 'demo-model': names } = await checkpointNames();
    await writeSafetensors(at('dreamscape.safetensors'), await dreamscapeTensors(names, folderSource(modelPath)));
    await writeSafetensors(at('watercolour.safetensors'), lora);
    await writeSafetensors(at('cat.safetensors'), [ofOnes('clip_l', [1, 64]), ofOnes('clip_g', [1, 96])]);

    const endpoint = await this.hub.start();
    const demo = filesUnder(modelPath);
    for (const name of ['owner/name', 'stabilityai/stable-diffusion-xl-base-1.0']) this.hub.publish(name, demo);
    this.hub.publish('owner/name', demo, { branch: 'fp16' });
    this.hub.publish('example/loras', { 'lighthouse.safetensors': await bytesOf(lora) });
    this.hub.tokens.add('a-key');
    const addresses = {
      'https://example.org/loras/': `${endpoint}/example/loras/resolve/main/`,
      'https://models.example.org/sdxl/': `${endpoint}/owner/name/resolve/main/`,
      'http://127.0.0.1:8188/': `${await this.images.listen({ host: '127.0.0.1', port: 0 })}/`,
    };

    vi.stubEnv('HF_ENDPOINT', endpoint);
    vi.stubEnv('HF_HOME', at('huggingface'));
    vi.stubGlobal('fetch', fetchFrom(addresses));
    process.chdir(this.folder);
  }
}

/** A `fetch` for which some addresses lie elsewhere. */
function fetchFrom(addresses: Readonly<Record<string, string>>): typeof fetch {
  const real = globalThis.fetch;
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const moved = Object.entries(addresses).find(([from]) => url.startsWith(from));
    if (!moved) return real(input, init);
    const address = moved[1] + url.slice(moved[0].length);
    return real(input instanceof Request ? new Request(address, input) : address, init);
  };
}

function filesUnder(folder: string): Record<string, Uint8Array> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [relative(folder, file).replaceAll('\\', '/'), readFileSync(file)];
    }),
  );
}

const attention = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q';

/** A LoRA of rank 2 for one layer of the demo model. */
const lora: readonly TensorToWrite[] = [
  ofOnes(`${attention}.lora_A.weight`, [2, 96]),
  ofOnes(`${attention}.lora_B.weight`, [96, 2]),
];

function ofOnes(name: string, shape: readonly [number, number]): TensorToWrite {
  return { name, dtype: 'F32', shape, data: new Float32Array(shape[0] * shape[1]).fill(0.01) };
}

async function bytesOf(tensors: readonly TensorToWrite[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of encodeSafetensors(tensors)) pieces.push(piece);
  return Buffer.concat(pieces);
}
