import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignYourSteps } from './align-your-steps.js';
import { symmetricBetaQuantile } from './beta-quantile.js';
import { spreadSigmas } from './sigma-spacing.js';

describe('the beta quantile', () => {
  it.each([
    // scipy.stats.beta.ppf
    [0.1, 0.6, 0.03958440558878085],
    [0.25, 0.6, 0.17568037865269498],
    [0.5, 0.6, 0.5],
    [0.9, 0.6, 0.9604155944112192],
    [0.001, 0.6, 1.855873851745199e-5],
    [0.3, 2, 0.36325749109056765],
  ])('of %f with parameters %f is %f', (probability, a, want) => {
    expect(Math.abs(symmetricBetaQuantile(probability, a) / want - 1)).toBeLessThan(1e-12);
  });

  it('is the arcsine law at one half, whose quantile has a closed form', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (probability) => {
        const want = Math.sin((Math.PI / 2) * probability) ** 2;
        expect(Math.abs(symmetricBetaQuantile(probability, 0.5) - want)).toBeLessThan(1e-13);
      }),
    );
  });

  it('is the identity at one', () => {
    for (const p of [0, 1e-9, 0.2, 0.7, 1]) expect(symmetricBetaQuantile(p, 1)).toBeCloseTo(p, 13);
  });
});

describe('spreads of sigmas', () => {
  it.each(['karras', 'exponential', 'beta', 'lu'] as const)('%s falls from the greatest to the least', (kind) => {
    for (const steps of [1, 2, 3, 50]) {
      const sigmas = spreadSigmas(kind, 14.6, 0.03, steps);
      expect(sigmas).toHaveLength(steps);
      expect(sigmas[0]).toBeCloseTo(14.6, 10);
      if (steps > 1) expect(sigmas.at(-1)).toBeCloseTo(0.03, 10);
      sigmas.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(sigmas[i]!));
    }
  });
});

describe('Align Your Steps', () => {
  it('falls to 0 for any number of steps, through the published levels where they are', () => {
    for (const model of ['sd', 'sdxl'] as const) {
      for (const steps of [1, 5, 10, 11, 20, 50]) {
        const sigmas = alignYourSteps(model, steps);
        expect(sigmas).toHaveLength(steps + 1);
        expect(sigmas[0]).toBeCloseTo(14.615, 10);
        expect(sigmas.at(-1)).toBe(0);
        sigmas.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(sigmas[i]!));
      }
      const ten = alignYourSteps(model, 10);
      alignYourSteps(model, 20).forEach((sigma, i) => {
        if (i % 2 === 0 && i < 20) expect(sigma).toBeCloseTo(ten[i / 2]!, 10);
      });
    }
  });

  it.each([0, -1, 2.5])('refuses %f steps', (steps) => {
    expect(() => alignYourSteps('sdxl', steps)).toThrow(expect.objectContaining({ code: 'scheduler/steps' }));
  });
});
