import { describe, expect, it } from 'vitest';
import { planMesa, tooOld } from './mesa-plan.mjs';
import { osFacts } from './os-facts.mjs';

const RELEASES = {
  bookworm: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n',
  bullseye: 'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\nVERSION_CODENAME=bullseye\n',
  trixie: 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_CODENAME=trixie\n',
  noble: 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n',
  mint: 'PRETTY_NAME="Linux Mint 22"\nID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\n',
  fedora: 'PRETTY_NAME="Fedora Linux 42"\nID=fedora\n',
  rocky: 'PRETTY_NAME="Rocky Linux 9.4"\nID="rocky"\nID_LIKE="rhel centos fedora"\n',
  arch: 'PRETTY_NAME="Arch Linux"\nID=arch\n',
  tumbleweed: 'PRETTY_NAME="openSUSE Tumbleweed"\nID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n',
  alpine: 'PRETTY_NAME="Alpine Linux v3.20"\nID=alpine\n',
  unknown: '',
};

const on = (release: keyof typeof RELEASES, uid = 0, more: Partial<Parameters<typeof planMesa>[0]> = {}) =>
  planMesa({
    os: osFacts({ platform: 'linux', osRelease: RELEASES[release], uid }),
    installed: undefined,
    hasBackports: false,
    steered: undefined,
    nvidia: false,
    ...more,
  });

const told = (plan: ReturnType<typeof planMesa>) => {
  expect(plan.kind).toBe('tell');
  return plan.kind === 'tell' ? plan.lines.join('\n') : '';
};

describe('with root on Debian and Ubuntu', () => {
  it('takes Mesa from backports on Debian 12, adding the source and saying so', () => {
    const plan = on('bookworm');
    expect(plan).toMatchObject({ kind: 'install', addBackports: true, release: 'bookworm-backports' });
    if (plan.kind !== 'install') return;
    expect(plan.announce.join('\n')).toContain('mesa-vulkan-drivers, libvulkan1');
    expect(plan.announce.join('\n')).toContain('/etc/apt/sources.list.d/bookworm-backports.sources');
  });

  it('adds no source where backports are known', () => {
    const plan = on('bookworm', 0, { hasBackports: true });
    expect(plan).toMatchObject({ kind: 'install', addBackports: false, release: 'bookworm-backports' });
    if (plan.kind === 'install') expect(plan.announce.join('\n')).not.toContain('sources.list.d');
  });

  it("replaces Debian 12's own Mesa, which Dawn refuses", () => {
    expect(on('bookworm', 0, { installed: '22.3.6-1+deb12u1' }).kind).toBe('install');
  });

  it.each(['trixie', 'noble', 'mint'] as const)("takes %s's own", (release) => {
    expect(on(release)).toMatchObject({ kind: 'install', addBackports: false, release: undefined });
  });

  it('does not install again what is installed and new enough', () => {
    expect(told(on('noble', 0, { installed: '24.0.5-1ubuntu1' }))).toMatch(/--reinstall mesa-vulkan-drivers/);
  });

  it('says that releases with an old C library cannot run WebGPU in Node', () => {
    expect(told(on('bullseye'))).toMatch(/too old/);
  });

  it('speaks of the NVIDIA driver where there is such a GPU', () => {
    const plan = on('trixie', 0, { nvidia: true });
    expect(plan.kind === 'install' && plan.announce.join('\n')).toContain('NVIDIA_DRIVER_CAPABILITIES');
  });
});

describe('without root', () => {
  it('gives the commands for Debian 12, source first', () => {
    const lines = told(on('bookworm', 1000)).split('\n');
    expect(lines.slice(1)).toEqual([
      "  echo 'deb http://deb.debian.org/debian bookworm-backports main' | sudo tee /etc/apt/sources.list.d/bookworm-backports.list",
      '  sudo apt-get update',
      '  sudo apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1',
    ]);
  });

  it('gives the commands for Ubuntu', () => {
    expect(told(on('noble', 1000))).toContain('  sudo apt-get install mesa-vulkan-drivers libvulkan1');
  });
});

describe('elsewhere', () => {
  it.each([
    ['fedora', 'dnf install mesa-vulkan-drivers'],
    ['rocky', 'dnf install mesa-vulkan-drivers'],
    ['arch', 'pacman -S vulkan-icd-loader vulkan-swrast'],
    ['tumbleweed', 'zypper install libvulkan1 libvulkan_lvp'],
    ['alpine', 'musl'],
    ['unknown', 'lavapipe'],
  ] as const)('names the cure on %s, even with root', (release, words) => {
    expect(told(on(release))).toContain(words);
  });

  it.each([
    ['darwin', 'Metal'],
    ['win32', 'Direct3D 12'],
  ] as const)('has nothing to install on %s', (platform, words) => {
    const os = osFacts({ platform, osRelease: '', uid: platform === 'darwin' ? 501 : undefined });
    const facts = { os, installed: undefined, hasBackports: false, steered: undefined, nvidia: false };
    expect(told(planMesa(facts))).toContain(words);
  });
});

it('installs nothing where a variable hides the drivers', () => {
  expect(told(on('bookworm', 0, { steered: 'VK_DRIVER_FILES=/dev/null' }))).toContain('VK_DRIVER_FILES=/dev/null');
});

it.each([
  ['22.3.6-1+deb12u1', true],
  ['23.1.9-1', true],
  ['23.2.1-1ubuntu3.1~22.04.4', false],
  ['25.0.7-2~bpo12+1', false],
  ['1:9.0', true],
  ['1:26.0.3-1', false],
])('knows whether Mesa %s is too old: %s', (version, expected) => {
  expect(tooOld(version)).toBe(expected);
});
