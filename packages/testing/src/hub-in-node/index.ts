import { commands } from 'vitest/browser';

/** A file to publish: text, or bytes that a message can carry. */
type SentContent = string | { readonly base64: string };

declare module 'vitest/browser' {
  interface BrowserCommands {
    hubStart(): Promise<string>;
    hubStop(endpoint: string): Promise<void>;
    hubPublish(
      endpoint: string,
      name: string,
      files: Readonly<Record<string, SentContent>>,
      manners?: { readonly branch?: string; readonly gated?: boolean },
    ): Promise<string>;
    hubBehave(endpoint: string, habits: Readonly<Record<string, unknown>>): Promise<void>;
    hubSeen(endpoint: string): Promise<{ readonly log: readonly string[]; readonly bytesSent: number }>;
  }
}

/** The test Hub, seen from a browser; see `HubServer` of the testing package. */
export class HubInNode {
  private constructor(readonly endpoint: string) {}

  static async start(): Promise<HubInNode> {
    return new HubInNode(await commands.hubStart());
  }

  stop(): Promise<void> {
    return commands.hubStop(this.endpoint);
  }

  publish(
    name: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    manners?: { readonly branch?: string; readonly gated?: boolean },
  ): Promise<string> {
    const sent = Object.entries(files).map(([path, content]): [string, SentContent] => [
      path,
      typeof content === 'string' ? content : { base64: inBase64(content) },
    ]);
    return commands.hubPublish(this.endpoint, name, Object.fromEntries(sent), manners);
  }

  behave(habits: Readonly<Record<string, unknown>>): Promise<void> {
    return commands.hubBehave(this.endpoint, habits);
  }

  seen(): Promise<{ readonly log: readonly string[]; readonly bytesSent: number }> {
    return commands.hubSeen(this.endpoint);
  }
}

function inBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
