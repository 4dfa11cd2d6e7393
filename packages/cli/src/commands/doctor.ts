import { Option, type Command } from 'commander';
import { describeAdapter, isPleinairError } from '@pleinair/tensor';
import type { Terminal } from '../terminal.js';

/** Adds `pleinair doctor`. */
export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('What this machine offers: adapter, features, limits, and the paths Pleinair would take.')
    .addOption(
      new Option('--adapter <which>', 'which GPU')
        .choices(['high-performance', 'low-power', 'fallback'])
        .default('high-performance'),
    )
    .option('--json', 'one JSON object')
    .action(async (flags: { adapter: 'high-performance' | 'low-power' | 'fallback'; json?: boolean }) => {
      try {
        const request = flags.adapter === 'fallback' ? { fallback: true } : { powerPreference: flags.adapter };
        const { profile, features } = await describeAdapter(request);
        const paths = pathsOf(profile);
        if (flags.json) {
          terminal.out.write(`${JSON.stringify({ ok: true, adapter: profile, features, paths })}\n`);
          return;
        }
        const { name, vendor, architecture, isSoftware, limits } = profile;
        const lines = [
          `adapter       ${name}${isSoftware ? ' (software: works, slowly)' : ''}`,
          `vendor        ${[vendor, architecture].filter(Boolean).join(' / ') || 'not told'}`,
          `features      ${features.join(', ') || 'none'}`,
          ...Object.entries(paths).map(([what, how]) => `${what.padEnd(13)} ${how}`),
          'limits',
          ...Object.entries(limits).map(([limit, value]) => `  ${limit.padEnd(36)} ${value}`),
        ];
        terminal.out.write(`${lines.join('\n')}\n`);
      } catch (error) {
        if (flags.json && isPleinairError(error)) {
          terminal.out.write(`${JSON.stringify({ ok: false, code: error.code, message: error.message })}\n`);
        }
        throw error;
      }
    });
}

type Profile = Awaited<ReturnType<typeof describeAdapter>>['profile'];

function pathsOf({ features, subgroupMinSize, subgroupMaxSize, isSoftware }: Profile): Record<string, string> {
  return {
    'half floats': features.shaderF16
      ? 'shader-f16: read and written natively'
      : 'no shader-f16: stored packed, unpacked as they load',
    arithmetic: 'f32 accumulation',
    subgroups: features.subgroups ? `${subgroupMinSize} to ${subgroupMaxSize} lanes` : 'none: workgroup memory instead',
    'matrix units': features.subgroupMatrix ? 'subgroup matrices offered' : 'none offered',
    'kernel times': features.timestampQuery ? 'measured on the GPU' : 'no timestamp-query: whole runs only',
    unrolling: isSoftware ? 'moderate (software adapter: compiling is what costs)' : 'full',
  };
}
