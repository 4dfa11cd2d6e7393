import type { HubHabits } from './hub-habits.js';
import type { RepoManners } from './hub-repos.js';
import { HubServer } from './hub-server.js';

/** A file to publish: text, or bytes that a message can carry. */
export type SentContent = string | { readonly base64: string };

/**
 * The test Hub for tests that run in a browser, where no server can be: commands for Vitest's browser mode. Each test starts a Hub of
 * its own, and names it by its address.
 */
export function hubCommands() {
  const servers = new Map<string, HubServer>();
  const at = (endpoint: string): HubServer => {
    const server = servers.get(endpoint);
    if (!server) throw new Error(`no test Hub at ${endpoint}`);
    return server;
  };
  return {
    /** Starts a Hub; gives its address. */
    async hubStart(_context: unknown): Promise<string> {
      const server = new HubServer();
      const endpoint = await server.start();
      servers.set(endpoint, server);
      return endpoint;
    },
    async hubStop(_context: unknown, endpoint: string): Promise<void> {
      await at(endpoint).stop();
      servers.delete(endpoint);
    },
    /** Publishes files; gives the commit. */
    hubPublish(
      _context: unknown,
      endpoint: string,
      name: string,
      files: Readonly<Record<string, SentContent>>,
      manners: RepoManners & { readonly branch?: string } = {},
    ): string {
      const contents = Object.entries(files).map(([path, content]): [string, Uint8Array | string] => [
        path,
        typeof content === 'string' ? content : Buffer.from(content.base64, 'base64'),
      ]);
      return at(endpoint).publish(name, Object.fromEntries(contents), manners).sha;
    },
    /** Changes how a Hub behaves. */
    hubBehave(_context: unknown, endpoint: string, habits: Partial<HubHabits>): void {
      Object.assign(at(endpoint).habits, habits);
    },
    /** What a Hub was asked, and sent. */
    hubSeen(_context: unknown, endpoint: string): { readonly log: readonly string[]; readonly bytesSent: number } {
      const { log, bytesSent } = at(endpoint);
      return { log, bytesSent };
    },
  };
}
