/** What to do where there is no adapter, for one browser. */
export interface BrowserAdvice {
  readonly browser: string;
  readonly steps: readonly string[];
}

const hardware = 'Switch on hardware acceleration in the browser’s settings, under System, and start it again.';
const driver = 'Update the driver of the graphics card.';

const chromium: BrowserAdvice = {
  browser: 'Chrome, Edge and others of their family',
  steps: [
    'They have WebGPU since version 113 on Windows, macOS and ChromeOS, and since 121 on Android 12. Update an older one.',
    hardware,
    'On Linux: open chrome://flags/#enable-unsafe-webgpu, choose Enabled, and start it again. Where that is not enough, start it with --enable-features=Vulkan.',
    `${driver} What the browser thinks of it stands at chrome://gpu.`,
  ],
};

const firefox: BrowserAdvice = {
  browser: 'Firefox',
  steps: [
    'It has WebGPU since version 141 on Windows and 145 on Macs with Apple silicon. Update an older one.',
    'Elsewhere: open about:config, set dom.webgpu.enabled to true, and start it again. It may not find an adapter yet.',
    `${driver} What the browser thinks of it stands at about:support.`,
  ],
};

const safari: BrowserAdvice = {
  browser: 'Safari',
  steps: [
    'It has WebGPU since version 26, on macOS, iOS, iPadOS and visionOS. Update the system.',
    'On older ones: Settings, Feature Flags, WebGPU.',
  ],
};

/** Advice for every browser, the one in use first. */
export function browserAdvice(userAgent: string): readonly BrowserAdvice[] {
  if (/Firefox\//.test(userAgent)) return [firefox, chromium, safari];
  if (/Version\/[\d.]+ .*Safari\//.test(userAgent)) return [safari, chromium, firefox];
  return [chromium, firefox, safari];
}
