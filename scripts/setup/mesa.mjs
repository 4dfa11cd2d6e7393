import { existsSync, writeFileSync } from 'node:fs';
import { aptInstall, aptPolicy, aptSources, aptUpdate } from './apt.mjs';
import { confirm, isInteractive } from './confirm.mjs';
import { BACKPORTS_SOURCE, MESA_PACKAGES, OLDEST_MESA, planMesa, tooOld } from './mesa-plan.mjs';
import { osFacts, usesApt } from './os-facts.mjs';
import { say, step } from './say.mjs';

const STEERING = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_LOADER_DRIVERS_SELECT', 'VK_LOADER_DRIVERS_DISABLE'];

/**
 * Called where no adapter was found. On Debian and Ubuntu with root, installs Mesa's Vulkan drivers, after saying so
 * and, with a person at the terminal, asking. Elsewhere says what to install.
 *
 * @returns {Promise<boolean>} Whether something was installed, so that asking for an adapter again makes sense.
 */
export async function installMesa() {
  const plan = planMesa(await mesaFacts());
  if (plan.kind === 'tell') {
    say(...plan.lines.map((line) => `  ${line}`));
    return false;
  }
  say(...plan.announce.map((line) => `  ${line}`));
  if (isInteractive() && !(await confirm('  Install them now?'))) {
    say('  Nothing was installed.');
    return false;
  }
  if (plan.addBackports) writeFileSync(BACKPORTS_SOURCE.file, BACKPORTS_SOURCE.text);
  return step(`Installing ${MESA_PACKAGES.join(', ')}`, async () => {
    const update = await aptUpdate();
    const { candidate } = await aptPolicy('mesa-vulkan-drivers', plan.release);
    if (!candidate || tooOld(candidate)) {
      const least = `${OLDEST_MESA.major}.${OLDEST_MESA.minor}`;
      say(`  apt-get offers ${candidate ? `Mesa ${candidate}` : 'no Mesa'}; WebGPU needs ${least} or newer.`);
      if (!update.ok) say(indent(update.output));
      return false;
    }
    const install = await aptInstall(MESA_PACKAGES, plan.release);
    if (!install.ok) say('  apt-get failed:', indent(install.output));
    return install.ok;
  });
}

/** @returns {Promise<import('./mesa-plan.mjs').MesaFacts>} */
async function mesaFacts() {
  const os = osFacts();
  const apt = usesApt(os);
  const name = STEERING.find((variable) => process.env[variable]);
  return {
    os,
    installed: apt ? (await aptPolicy('mesa-vulkan-drivers')).installed : undefined,
    hasBackports: apt && aptSources().includes('bookworm-backports'),
    steered: name && `${name}=${process.env[name]}`,
    nvidia: existsSync('/proc/driver/nvidia/version'),
  };
}

/** @param {string} output */
function indent(output) {
  return output
    .trimEnd()
    .split('\n')
    .slice(-15)
    .map((line) => `    ${line}`)
    .join('\n');
}
