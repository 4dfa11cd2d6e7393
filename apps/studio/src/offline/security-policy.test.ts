import { describe, expect, it } from 'vitest';
import { hubSources, pagePolicy, sourcesOf, workerPolicy } from './security-policy.js';

describe('sourcesOf', () => {
  it('is the Hub with its hosts, unless another is named', () => {
    for (const endpoint of [undefined, '', 'no address', 'https://huggingface.co/', 'https://hf.co', 'data:,x']) {
      expect(sourcesOf(endpoint), endpoint).toBe(hubSources);
    }
  });

  it('is the host of another endpoint, whatever its path says, and the stores that mirrors send on to', () => {
    expect(sourcesOf('https://mirror.example/hub; script-src *')).toEqual([
      'https://mirror.example',
      'https://mirror.example:*',
      'https://*.hf.co',
    ]);
    expect(sourcesOf('http://127.0.0.1:8080/x')[1]).toBe('http://127.0.0.1:*');
  });
});

describe('policies', () => {
  it('let pages reach nothing but their own files', () => {
    expect(pagePolicy).toContain("connect-src 'self' blob:;");
    expect(pagePolicy).not.toMatch(/unsafe|https:|\*/);
  });

  it('let workers reach where models come from', () => {
    expect(workerPolicy(['https://mirror.example'])).toContain("connect-src 'self' blob: https://mirror.example;");
    expect(workerPolicy()).not.toMatch(/unsafe|https: |\* /);
  });
});
