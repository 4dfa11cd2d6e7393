import { createStore, type StoreApi } from 'zustand/vanilla';
import type { HubAccess } from './engine/protocol.js';

/** How the Hub is reached, as the user says it. Kept in this browser and sent to that Hub only. */
export interface HubSettings {
  /** Empty: huggingface.co. */
  readonly endpoint: string;
  /** Empty: none. */
  readonly token: string;
  readonly change: (settings: { readonly endpoint?: string; readonly token?: string }) => void;
}

const key = 'pleinair-studio-hub';

/** @param storage - Remembers it over reloads. */
export function createHubSettings(storage: Pick<Storage, 'getItem' | 'setItem'>): StoreApi<HubSettings> {
  return createStore<HubSettings>((set, get) => ({
    ...read(storage.getItem(key)),
    change: (settings) => {
      set(settings);
      const { endpoint, token } = get();
      storage.setItem(key, JSON.stringify({ endpoint, token }));
    },
  }));
}

/** The settings as the worker takes them. */
export function accessOf({ endpoint, token }: Pick<HubSettings, 'endpoint' | 'token'>): HubAccess {
  return {
    ...(endpoint.trim() && { endpoint: endpoint.trim().replace(/\/+$/, '') }),
    ...(token.trim() && { token: token.trim() }),
  };
}

/** What is wrong with an endpoint, in words; nothing where it will do. */
export function endpointTrouble(endpoint: string): string | undefined {
  const text = endpoint.trim();
  if (text === '') return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    return 'Expected an address that begins with https://';
  return undefined;
}

function read(kept: string | null): Pick<HubSettings, 'endpoint' | 'token'> {
  try {
    const { endpoint, token } = JSON.parse(kept ?? '{}') as Record<string, unknown>;
    return { endpoint: typeof endpoint === 'string' ? endpoint : '', token: typeof token === 'string' ? token : '' };
  } catch {
    return { endpoint: '', token: '' };
  }
}
