import manifest from '../package.json' with { type: 'json' };

/** This package's version; all of Pleinair's packages share it. */
export const version: string = manifest.version;
