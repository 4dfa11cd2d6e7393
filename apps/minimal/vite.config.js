import { defineConfig } from 'vite';

// Vite's development server bundles dependencies into one folder, away from files that lie beside them; the model's
// addresses are relative to the package, so it is left where it is.
export default defineConfig({ optimizeDeps: { exclude: ['@pleinair/demo-model'] } });
