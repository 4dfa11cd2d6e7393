/**
 * Asks every external link of the documents whether it is still there. Needs a network, so no test runs it:
 *
 *     node docs/scripts/check-links.mjs
 *
 * Exit code 1 where one is gone. Sites that answer programs with 403 or 429 are named, and count as there.
 */
import { externalLinks, linkFaults } from './external-links.mjs';

const links = externalLinks();
const faults = linkFaults(links);
for (const fault of faults) console.error(fault);

/** @type {Map<string, string[]>} By address without its hash: where it stands. */
const places = new Map();
for (const { href, document, line } of links) {
  const address = href.replace(/#.*/, '');
  places.set(address, [...(places.get(address) ?? []), `${document}:${line}`]);
}

/**
 * @param {string} address
 * @returns {Promise<{ answer: string, gone: boolean }>}
 */
async function ask(address) {
  try {
    for (const method of ['HEAD', 'GET']) {
      const response = await fetch(address, { method, signal: AbortSignal.timeout(30_000) });
      await response.body?.cancel();
      if (response.ok) return { answer: response.redirected ? `moved to ${response.url}` : '', gone: false };
      // Some servers know no HEAD.
      if (method === 'GET') return { answer: `status ${response.status}`, gone: ![403, 429].includes(response.status) };
    }
    return { answer: 'no answer', gone: true };
  } catch (error) {
    return { answer: String(error instanceof Error ? (error.cause ?? error) : error), gone: true };
  }
}

let gone = faults.length;
const waiting = [...places];
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [address, where] = next;
      const result = await ask(address);
      if (result.gone) gone++;
      if (result.answer)
        console.log(`${result.gone ? 'gone' : 'note'}  ${address}: ${result.answer} (${where.join(', ')})`);
    }
  }),
);
console.log(`${places.size} addresses, ${gone} wrong`);
if (gone > 0) process.exitCode = 1;
