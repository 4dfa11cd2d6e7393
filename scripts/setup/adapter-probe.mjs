// Asks Dawn for an adapter and a device, and prints one line of JSON about it. A process of its own: a driver that
// crashes must not take set-up with it, and the Vulkan loader reads its environment only once per process.
const MARK = 'pleinair-adapter:';

try {
  const { create } = await import('webgpu');
  // `verbose=1` makes Dawn say why it refuses an adapter; set-up repeats that to the person.
  const gpu = create(['verbose=1']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) report({ found: false });
  else {
    const device = await adapter.requestDevice();
    const { vendor, architecture, device: model, description, isFallbackAdapter } = adapter.info;
    device.destroy();
    report({ found: true, vendor, architecture, model, description, software: isFallbackAdapter });
  }
} catch (error) {
  report({ found: false, error: error instanceof Error ? error.message : String(error) });
}

/** @param {object} answer */
function report(answer) {
  // Dawn keeps the process alive as long as its objects are reachable.
  process.stdout.write(`\n${MARK}${JSON.stringify(answer)}\n`, () => process.exit(0));
}
