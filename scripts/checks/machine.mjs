import { findChromium, installChromium } from '../setup/chromium.mjs';
import { findLavapipe, findSwiftshader } from '../setup/vulkan-drivers.mjs';

/**
 * @typedef {object} Machine
 * @property {Record<string, string>} variables - What vitest.config.ts reads.
 * @property {{ name: string, reason: string }[]} leftOut - Projects that cannot run here.
 */

/**
 * What this machine has for tests to run on; installs Chromium where that can be done.
 *
 * @param {import('../setup/adapter.mjs').Adapter | undefined} adapter - WebGPU's own choice.
 * @param {{ slow: boolean }} options
 * @returns {Promise<Machine>}
 */
export async function findMachine(adapter, { slow }) {
  const refusal = findChromium() ? undefined : await installChromium();
  const found = { adapter, lavapipe: findLavapipe(), swiftshader: findSwiftshader(), chromium: findChromium() };
  return chooseProjects(found, { slow, noChromium: refusal ?? 'no Chromium or Chrome was found' });
}

/**
 * @param {{ adapter: import('../setup/adapter.mjs').Adapter | undefined, lavapipe: string | undefined,
 *   swiftshader: string | undefined, chromium: string | undefined }} found
 * @param {{ slow: boolean, noChromium: string }} options - `noChromium`: why there is none, if there is none.
 * @returns {Machine}
 */
export function chooseProjects({ adapter, lavapipe, swiftshader, chromium }, { slow, noChromium }) {
  /** @type {Machine} */
  const machine = { variables: {}, leftOut: [] };
  /**
   * @param {string} name
   * @param {string} variable
   * @param {string | undefined} value
   * @param {string} reason
   */
  const choose = (name, variable, value, reason) => {
    if (value) machine.variables[variable] = value;
    else machine.leftOut.push({ name, reason });
  };
  const hardware = adapter && !adapter.software;
  // A software adapter of another make (WARP on Windows) is tested as it is.
  const own = hardware || (adapter && !lavapipe && !swiftshader);
  const whyNotOwn = adapter
    ? `the machine's adapter is software (${adapter.name}), tested by name`
    : 'there is no adapter';
  choose('lavapipe', 'PLEINAIR_LAVAPIPE_ICD', lavapipe, "Mesa's software driver (lavapipe) is not installed");
  choose(
    'swiftshader',
    'PLEINAIR_SWIFTSHADER_ICD',
    swiftshader,
    `no SwiftShader, which comes with Chromium on Linux: ${noChromium}`,
  );
  choose('gpu', 'PLEINAIR_GPU', own ? '1' : undefined, whyNotOwn);
  choose('browser', 'PLEINAIR_CHROMIUM', chromium, noChromium);
  choose('slow', 'PLEINAIR_SLOW', slow ? '1' : undefined, 'takes hours: run it with npm run test:slow');
  return machine;
}
