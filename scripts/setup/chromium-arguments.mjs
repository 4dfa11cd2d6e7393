/** Debian's Chromium gives pages an adapter with these, and only SwiftShader, which needs no GPU. */
export const chromiumArguments = Object.freeze([
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--ignore-gpu-blocklist',
]);
