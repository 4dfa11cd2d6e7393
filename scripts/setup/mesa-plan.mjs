import { usesApt } from './os-facts.mjs';

/** The packages, as Debian and Ubuntu name them: the drivers (a software one among them) and Vulkan's loader. */
export const MESA_PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];

/**
 * The oldest Mesa seen to work. Debian 12's 22.3.6 is refused by Dawn ("Vulkan shaderUniform*ArrayDynamicIndexing
 * required", for its software driver); 23.2.1 (Ubuntu 22.04), 24.0.5 (24.04), 25.0.7 (Debian 13, bookworm-backports) are taken.
 */
export const OLDEST_MESA = Object.freeze({ major: 23, minor: 2 });

/** Releases whose C library is older than the 2.34 that the `webgpu` package's Dawn is linked against. */
const GLIBC_TOO_OLD = new Set(['stretch', 'buster', 'bullseye', 'bionic', 'focal']);

/** deb822 form (sources.list(5)); the key file is the one Debian's own sources name. */
export const BACKPORTS_SOURCE = {
  file: '/etc/apt/sources.list.d/bookworm-backports.sources',
  text: [
    '# Added by Pleinair for a newer Mesa than Debian 12 carries. Nothing is taken from here unless asked for by name.',
    'Types: deb',
    'URIs: http://deb.debian.org/debian',
    'Suites: bookworm-backports',
    'Components: main',
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    '',
  ].join('\n'),
};

/**
 * @typedef {object} MesaFacts
 * @property {import('./os-facts.mjs').OsFacts} os
 * @property {string | undefined} installed - Version of mesa-vulkan-drivers that is installed.
 * @property {boolean} hasBackports - apt already knows bookworm-backports.
 * @property {string | undefined} steered - A set variable that limits which Vulkan drivers are seen, as NAME=value.
 * @property {boolean} nvidia - An NVIDIA kernel driver is loaded.
 *
 * @typedef {{ kind: 'install', addBackports: boolean, release: string | undefined, announce: string[] }} InstallPlan
 * @typedef {{ kind: 'tell', lines: string[] }} TellPlan
 */

/**
 * What to do where no adapter was found: install Mesa's Vulkan drivers, or tell the person what would help.
 *
 * @param {MesaFacts} facts
 * @returns {InstallPlan | TellPlan}
 */
export function planMesa(facts) {
  const { os, installed, steered } = facts;
  if (steered) {
    return {
      kind: 'tell',
      lines: [`The variable ${steered} limits which Vulkan drivers are seen. Unset it and run again.`],
    };
  }
  if (!usesApt(os)) return { kind: 'tell', lines: adviceFor(os) };
  if (GLIBC_TOO_OLD.has(os.codename)) {
    return {
      kind: 'tell',
      lines: [`${os.name} is too old for WebGPU in Node: use Debian 12, Ubuntu 22.04, or newer.`],
    };
  }
  const bookworm = os.codename === 'bookworm';
  if (installed && !tooOld(installed)) {
    const driver = `Mesa's Vulkan drivers are installed (${installed}) and yet give no adapter.`;
    return {
      kind: 'tell',
      lines: [driver, `Reinstalling may help: ${asRoot(os)}apt-get install --reinstall ${MESA_PACKAGES.join(' ')}`],
    };
  }
  if (!os.root) return { kind: 'tell', lines: [...nvidiaAdvice(facts), ...aptCommands(os, facts.hasBackports)] };
  return {
    kind: 'install',
    addBackports: bookworm && !facts.hasBackports,
    release: bookworm ? 'bookworm-backports' : undefined,
    announce: [
      ...nvidiaAdvice(facts),
      `To be installed with apt-get: ${MESA_PACKAGES.join(', ')} and what they need (about 50 MB to fetch):`,
      "Mesa's Vulkan drivers for AMD and Intel GPUs, and a software one for machines without a GPU.",
      ...(bookworm ? ["They come from bookworm-backports: Debian 12's own Mesa 22.3 is too old for WebGPU."] : []),
      ...(bookworm && !facts.hasBackports ? [`For that, this file is added: ${BACKPORTS_SOURCE.file}`] : []),
    ],
  };
}

/**
 * @param {string} version - As dpkg writes it, e.g. "25.0.7-2~bpo12+1"; an epoch may stand before.
 * @returns {boolean} Whether this Mesa is older than the oldest that is known to work.
 */
export function tooOld(version) {
  const [major = 0, minor = 0] = version
    .replace(/^\d+:/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10) || 0);
  return major < OLDEST_MESA.major || (major === OLDEST_MESA.major && minor < OLDEST_MESA.minor);
}

/**
 * @param {import('./os-facts.mjs').OsFacts} os
 * @param {boolean} hasBackports
 * @returns {string[]} The commands by which an administrator gets the drivers.
 */
function aptCommands(os, hasBackports) {
  const lines = [`On ${os.name}, these commands install drivers that work (set-up does it itself when run as root):`];
  const bookworm = os.codename === 'bookworm';
  if (bookworm && !hasBackports) {
    const source = 'deb http://deb.debian.org/debian bookworm-backports main';
    lines.push(`  echo '${source}' | sudo tee /etc/apt/sources.list.d/bookworm-backports.list`);
  }
  lines.push('  sudo apt-get update');
  lines.push(`  sudo apt-get install ${bookworm ? '-t bookworm-backports ' : ''}${MESA_PACKAGES.join(' ')}`);
  return lines;
}

/**
 * @param {import('./os-facts.mjs').OsFacts} os - One without apt.
 * @returns {string[]}
 */
function adviceFor(os) {
  if (os.platform === 'darwin') {
    return [
      "Nothing has to be installed on a Mac: WebGPU uses Metal. Virtual machines without Apple's paravirtual GPU have none.",
    ];
  }
  if (os.platform === 'win32') {
    return [
      'Nothing has to be installed on Windows: WebGPU uses Direct3D 12. Update the GPU driver',
      "(Settings > Windows Update > Advanced options > Optional updates, or the GPU maker's page) and run again.",
    ];
  }
  const command = linuxCommand([os.id, ...os.like]);
  if (command)
    return [`On ${os.name}, install Vulkan drivers (a software one among them) and run again:`, `  ${command}`];
  if (os.id === 'alpine') {
    return [
      "The prebuilt WebGPU for Node needs the GNU C library; Alpine's musl does not run it. Use Debian 12 or Ubuntu 22.04.",
    ];
  }
  return [
    "Install your system's Vulkan loader and drivers; for a machine without a GPU, Mesa's software driver (lavapipe),",
    `version ${OLDEST_MESA.major}.${OLDEST_MESA.minor} or newer. Then run again.`,
  ];
}

/**
 * @param {readonly string[]} ids - os-release's ID, then ID_LIKE.
 * @returns {string | undefined}
 */
function linuxCommand(ids) {
  /** @type {Record<string, string>} */
  const commands = {
    fedora: 'sudo dnf install mesa-vulkan-drivers vulkan-loader',
    rhel: 'sudo dnf install mesa-vulkan-drivers vulkan-loader',
    arch: 'sudo pacman -S vulkan-icd-loader vulkan-swrast    # with a GPU also: vulkan-radeon, vulkan-intel or nvidia-utils',
    suse: 'sudo zypper install libvulkan1 libvulkan_lvp    # with a GPU also: libvulkan_radeon or libvulkan_intel',
  };
  const id = ids.find((name) => name in commands);
  return id === undefined ? undefined : commands[id];
}

/**
 * @param {MesaFacts} facts
 * @returns {string[]}
 */
function nvidiaAdvice(facts) {
  if (!facts.nvidia) return [];
  return [
    "An NVIDIA GPU is here, without its Vulkan part: that comes with NVIDIA's own driver (Ubuntu: libnvidia-gl-NNN,",
    'Debian: nvidia-vulkan-icd; containers: NVIDIA_DRIVER_CAPABILITIES=all). Until then, a software adapter will do.',
  ];
}

/** @param {import('./os-facts.mjs').OsFacts} os */
function asRoot(os) {
  return os.root ? '' : 'sudo ';
}
