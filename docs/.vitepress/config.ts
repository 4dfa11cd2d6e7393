import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type DefaultTheme } from 'vitepress';
import { repositoryLinks } from './repository-links.js';

const docs = fileURLToPath(new URL('..', import.meta.url));

/** A sidebar's entry, or none where the page is not there yet. */
function page(text: string, link: string): DefaultTheme.SidebarItem[] {
  return existsSync(`${docs}${link}.md`) || link.startsWith('/api') ? [{ text, link }] : [];
}

const guide: DefaultTheme.SidebarItem[] = [
  {
    text: 'Begin',
    items: [
      ...page('Getting started', '/guide/getting-started'),
      ...page('In a browser', '/guide/browser'),
      ...page('In Node', '/guide/node'),
      ...page('Browsers and adapters', '/guide/support'),
    ],
  },
  {
    text: 'Models',
    items: [
      ...page('Pick a model', '/guide/pick-a-model'),
      ...page('From the Hugging Face Hub', '/hub'),
      ...page('Single-file checkpoints', '/checkpoints'),
      ...page('Save memory', '/guide/save-memory'),
      ...page('Palettize a model', '/palettize'),
      ...page('LoRA and embeddings', '/lora'),
    ],
  },
  {
    text: 'Pictures',
    items: [
      ...page('Prompts and weights', '/prompts'),
      ...page('Previews and cancel', '/guide/previews-and-cancel'),
      ...page('Pipelines', '/pipelines'),
      ...page('Schedulers', '/schedulers'),
    ],
  },
  {
    text: 'Applications',
    items: [
      ...page('Studio', '/guide/studio'),
      ...page('Workers', '/guide/workers'),
      ...page('Under the bonnet', '/guide/under-the-bonnet'),
      ...page('Bundlers', '/guide/bundlers'),
      ...page('Samples', '/guide/samples'),
      ...page('Troubleshooting by code', '/guide/troubleshooting'),
    ],
  },
];

const how: DefaultTheme.SidebarItem[] = [
  {
    text: 'How it works',
    items: [
      ...page('Life of a prompt', '/how-it-works/life-of-a-prompt'),
      ...page('Graph and planner', '/how-it-works/graph-and-planner'),
      ...page('Palettization', '/how-it-works/palettization'),
      ...page('The fast analysis', '/palettize-fast'),
      ...page('The palettized format', '/palettized-format'),
      ...page('Architecture', '/project/architecture'),
    ],
  },
  {
    text: 'Kernels',
    items: [
      { text: 'All families', link: '/kernels/README' },
      ...page('Products', '/kernels/matmul'),
      ...page('Convolutions', '/kernels/conv2d'),
      ...page('Attention', '/kernels/attention'),
      ...page('Norms', '/kernels/norm'),
      ...page('Activations', '/kernels/activation'),
      ...page('VAE', '/kernels/vae'),
      ...page('The tuner', '/kernels/tuner'),
    ],
  },
  {
    text: 'Decisions',
    items: [
      ...page('Intermediates in an arena', '/decisions/intermediates-in-an-arena'),
      ...page('Slices and waiting', '/decisions/slices-and-waiting'),
      ...page('VAE in bands', '/decisions/vae-in-bands'),
      ...page('Order of nodes', '/decisions/order-of-nodes'),
      ...page('Attention on software adapters', '/decisions/attention-on-software-adapters'),
      ...page('CLIP tokenizer', '/decisions/clip-tokenizer'),
      ...page('The documentation site', '/decisions/documentation-site'),
    ],
  },
];

const measured: DefaultTheme.SidebarItem[] = [
  {
    text: 'Benchmarks',
    items: [
      ...page('Adapters measured', '/benchmarks'),
      ...page('Measure yours, here', '/measure'),
      ...page('Aims and what is reached', '/targets'),
      ...page('Other engines', '/comparison'),
      ...page('How it is measured', '/project/measuring'),
    ],
  },
];

const packages = ['pleinair', 'cli', 'sdxl', 'sd', 'diffusion', 'text', 'palettize', 'weights', 'kernels', 'tensor'];
const reference: DefaultTheme.SidebarItem[] = [
  { text: 'API', items: [{ text: 'All modules', link: '/api/' }] },
  {
    text: 'Packages',
    items: [...packages, 'schedulers', 'bench', 'demo-model'].flatMap((name) =>
      page(name === 'pleinair' ? name : `@pleinair/${name}`, `/packages/${name}`),
    ),
  },
  { text: 'The project', items: [...page('Contributing', '/project/contributing')] },
];

export default defineConfig({
  title: 'Pleinair',
  description: "Stable Diffusion XL on the user's own GPU, in a browser tab or in Node.",
  // The list of error codes is part of another page.
  srcExclude: ['scripts/**', 'test/**', 'node_modules/**', 'project/error-codes.md'],
  cleanUrls: true,
  transformHead: ({ siteData: { base } }) => [
    ['link', { rel: 'icon', href: `${base}icon.svg`, type: 'image/svg+xml' }],
  ],
  markdown: {
    config: (markdown) => repositoryLinks(markdown),
    // The usual pair has too little contrast on the ground of code blocks.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  vite: {
    worker: { format: 'es' },
    // Pages of kernels and of the reference are long, and that is what they are for.
    build: { chunkSizeWarningLimit: 2000 },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '^/(guide|hub|lora|prompts|palettize$)' },
      { text: 'How it works', link: '/how-it-works/life-of-a-prompt', activeMatch: '^/(how-it-works|kernels)' },
      { text: 'Benchmarks', link: '/benchmarks', activeMatch: '^/(benchmarks|measure|targets|comparison)' },
      { text: 'Reference', link: '/api/', activeMatch: '^/(api|packages)' },
    ],
    sidebar: {
      '/how-it-works/': how,
      '/kernels/': how,
      '/decisions/': how,
      '/palettize-fast': how,
      '/palettized-format': how,
      '/project/architecture': how,
      '/benchmarks': measured,
      '/measure': measured,
      '/targets': measured,
      '/comparison': measured,
      '/project/measuring': measured,
      '/api/': reference,
      '/packages/': reference,
      '/project/contributing': reference,
      '/': guide,
    },
    footer: { message: 'Apache-2.0' },
  },
});
