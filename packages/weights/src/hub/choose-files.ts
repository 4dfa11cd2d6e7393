import { WeightError } from '../errors.js';
import type { HubClient, HubFile } from './hub-client.js';
import { HubError } from './hub-error.js';
import { formatHubName, type HubName } from './hub-name.js';
import { isSafePath } from './safe-path.js';
import { selectFiles, type Repository } from './select-files.js';

/** How {@link chooseFiles} chooses. */
interface ChooseOptions {
  readonly prefer?: 'fp16' | 'full';
  readonly signal?: AbortSignal;
  /** A choice that comes before the usual one, where it finds enough. */
  readonly first?: (repository: Repository<HubFile>) => Promise<HubFile[] | undefined>;
}

/**
 * Asks the Hub which files a model has at a commit, and chooses those it needs; of a name with a file, that one.
 *
 * @throws What `HubClient.list` and `selectFiles` throw; `HubError` `hub/not-found`; `WeightError` `weights/unsafe-path`.
 */
export async function chooseFiles(
  client: HubClient,
  name: HubName,
  commit: string,
  { prefer, signal, first }: ChooseOptions,
): Promise<HubFile[]> {
  const { repo, file } = name;
  const listed = await client.list(repo, commit, { signal });
  const strange = listed.find(({ path }) => !isSafePath(path));
  if (strange) {
    throw new WeightError(
      'weights/unsafe-path',
      `${repo}: expected files inside the model, got ${JSON.stringify(strange.path)}. Do not use this model.`,
    );
  }
  if (file === undefined) {
    const readText = (path: string): Promise<string> => client.readText(repo, commit, path, { signal });
    const repository = { name: formatHubName(name), files: listed, readText };
    return (await first?.(repository)) ?? selectFiles(repository, prefer);
  }
  const named = listed.filter(({ path }) => path === file);
  if (named.length > 0) return named;
  const others = listed.map(({ path }) => path).filter((path) => path.endsWith('.safetensors'));
  throw new HubError(
    'hub/not-found',
    `${formatHubName(name)}: expected that file, got none. ` +
      (others.length > 0
        ? `There are ${others.slice(0, 8).join(', ')}.`
        : `Look at ${client.endpoint}/${repo}/tree/main.`),
  );
}
