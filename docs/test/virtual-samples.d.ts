/** Made by sample-modules.ts. */
declare module 'virtual:samples' {
  /** Samples by name; each runs when it is called. */
  export const samples: Readonly<Record<string, () => Promise<unknown>>>;
}
