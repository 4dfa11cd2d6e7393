import { embeddedJson, markup, type Markup } from './html.js';
import type { AnalysisView, RecipeView } from './analysis-view.js';
import { blockOf, networkOrder } from './network-order.js';
import { bitsText, psnrText } from './numbers.js';

/** A run of layers of one block, e.g. `down 1`. */
export interface LayerBlock {
  readonly name: string;
  readonly first: number;
  readonly count: number;
}

/** Where layers stand along a strip: a column each, blocks a little apart. */
interface Columns {
  readonly layers: readonly string[];
  readonly blocks: readonly LayerBlock[];
  readonly gap: number;
  readonly width: number;
  readonly left: readonly number[];
}

/** A recipe along the network. */
export interface LayerBitsRow {
  /** Its analysis and average bits, e.g. `fast 4.50`. */
  readonly label: string;
  /** The analysis's title. */
  readonly analysis: string;
  /** The recipe's name in its file. */
  readonly recipe: string;
  readonly averageBits: number;
  /** In dB, where it was measured. */
  readonly psnr?: number;
  /** By layer, 16 where it is left alone. */
  readonly bits: readonly number[];
  /** Average bits by block, weighted by layers' sizes where they are known. */
  readonly byBlock: readonly number[];
}

/** Bits of every layer along the network, a row a recipe. Plain data. */
export interface LayerBitsView {
  /** In the order in which the model runs them. */
  readonly layers: readonly string[];
  readonly blocks: readonly LayerBlock[];
  readonly rows: readonly LayerBitsRow[];
}

/** Blocks of a smaller part of the network than this have no room for their name. */
const leastNamed = 0.05;

/** Bits of every layer of recipes; nothing where there are neither recipes nor layers. */
export function layerBits(analyses: readonly AnalysisView[]): LayerBitsView | undefined {
  const named = analyses.flatMap(({ recipes }) => recipes.flatMap(({ recipe }) => Object.keys(recipe)));
  const known = analyses.flatMap(({ sizes }) => sizes?.layers ?? []);
  const layers = networkOrder([...new Set([...known, ...named])]);
  if (layers.length === 0) return undefined;
  const blocks = blocksOf(layers);
  return {
    layers,
    blocks,
    rows: analyses.flatMap((view) => {
      const weights = layers.map((layer) => view.sizes?.weightsOf(layer) ?? 1);
      return view.recipes.map((recipe) => rowOf(view, recipe, { layers, blocks, weights }));
    }),
  };
}

function rowOf(
  view: AnalysisView,
  { name, recipe, bits: averageBits, psnr }: RecipeView,
  along: { layers: readonly string[]; blocks: readonly LayerBlock[]; weights: readonly number[] },
): LayerBitsRow {
  const bits = along.layers.map((layer) => recipe[layer] ?? 16);
  return {
    label: `${view.title} ${bitsText(averageBits)}`,
    analysis: view.title,
    recipe: name,
    averageBits,
    ...(psnr !== undefined && { psnr }),
    bits,
    byBlock: along.blocks.map((block) => average(bits, block, along.weights)),
  };
}

/**
 * Bits of every layer along the network, a strip a recipe: colours by bits, a slider and the pointer tell a layer's name and
 * its bits in every recipe, and a table says the same. The slider needs `readoutScript`.
 */
export function layerStrips(analyses: readonly AnalysisView[]): Markup {
  const view = layerBits(analyses);
  if (!view) return markup`<p>The files hold no recipes.</p>`;
  const { layers, rows } = view;
  const columns = arrange(view);
  const widths = [...new Set(rows.flatMap(({ bits }) => bits))].sort((a, b) => a - b);
  const data = {
    layers,
    left: columns.left,
    width: columns.width,
    rows: rows.map(({ label, bits }) => ({ label, bits })),
  };
  return markup`${legend(widths)}
<div class="strips" data-strips>
<div class="readout"><label for="layer">Layer</label><input id="layer" type="range" min="0" max="${layers.length - 1}" value="0"><output for="layer" data-name>${layers[0]}</output></div>
<div class="scroll" tabindex="0" role="region" aria-label="Bits of each layer by recipe">
<div class="along">
${rows.map((row) => strip(row, columns))}
${blockNames(columns)}
<div class="cursor" data-cursor hidden></div>
</div></div>
<script type="application/json" data-layers>${embeddedJson(data)}</script>
</div>
${blockTable(rows, columns)}
${layerTable(rows, columns)}`;
}

function blocksOf(layers: readonly string[]): LayerBlock[] {
  const blocks: { name: string; first: number; count: number }[] = [];
  layers.forEach((layer, i) => {
    const name = blockOf(layer);
    const last = blocks.at(-1);
    if (last?.name === name) last.count++;
    else blocks.push({ name, first: i, count: 1 });
  });
  return blocks;
}

function arrange({ layers, blocks }: LayerBitsView): Columns {
  const gap = Math.max(0.5, layers.length / 150);
  const left = blocks.flatMap(({ first, count }, block) =>
    Array.from({ length: count }, (_, i) => first + i + gap * block),
  );
  return { layers, blocks, gap, width: layers.length + gap * (blocks.length - 1), left };
}

function legend(widths: readonly number[]): Markup {
  return markup`<ul class="legend" aria-label="Colours">${widths.map(
    (bits) =>
      markup`<li><svg viewBox="0 0 14 14" aria-hidden="true"><rect class="b${bits}" width="14" height="14"/></svg>${bits === 16 ? '16: left as it is' : bits === 1 ? '1 bit' : String(bits)}</li>`,
  )}</ul>`;
}

function strip({ label, psnr, bits }: LayerBitsRow, { blocks, left, width }: Columns): Markup {
  const paths = new Map<number, string>();
  for (const { first, count } of blocks) {
    for (let from = first; from < first + count;) {
      let to = from + 1;
      while (to < first + count && bits[to] === bits[from]) to++;
      const path = `M${round(left[from]!)} 0h${to - from}v1h${from - to}z`;
      paths.set(bits[from]!, (paths.get(bits[from]!) ?? '') + path);
      from = to;
    }
  }
  const summary = blocks.map((block) => `${block.name} ${bitsText(average(bits, block))}`).join(', ');
  return markup`<div class="row"><div class="rowhead"><span>${label} bits</span> <span class="dim">${psnrText(psnr)}</span> <span class="now" data-now></span></div>
<svg viewBox="0 0 ${round(width)} 1" preserveAspectRatio="none" role="img" aria-label="${label} bits; mean bits of layers by block: ${summary}">${[...paths].map(([at, path]) => markup`<path class="b${at}" d="${path}"/>`)}</svg></div>`;
}

function blockNames({ blocks, gap, layers }: Columns): Markup {
  const template = blocks.map(({ count }) => `${count}fr`).join(` ${round(gap)}fr `);
  return markup`<div class="blocks" aria-hidden="true" style="grid-template-columns:${template}">${blocks.map(
    ({ name, count }, i) =>
      markup`<span style="grid-column:${2 * i + 1}">${count / layers.length >= leastNamed && name}</span>`,
  )}</div>`;
}

function blockTable(rows: readonly LayerBitsRow[], { blocks }: Columns): Markup {
  const cells = ({ byBlock }: LayerBitsRow): Markup[] => byBlock.map((bits) => markup`<td>${bitsText(bits)}</td>`);
  return markup`<details><summary>Average bits by block</summary><div class="scroll" tabindex="0" role="region" aria-label="Average bits by block"><table>
<thead><tr><th scope="col">Recipe</th>${blocks.map(({ name }) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr><th scope="row">${row.label}</th>${cells(row)}</tr>`)}</tbody></table></div></details>`;
}

function layerTable(rows: readonly LayerBitsRow[], { layers }: Columns): Markup {
  return markup`<details><summary>All ${layers.length} layers</summary><div class="scroll tall" tabindex="0" role="region" aria-label="Bits of all layers"><table>
<thead><tr><th scope="col">Layer</th>${rows.map(({ label }) => markup`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${layers.map((layer, i) => markup`<tr><th scope="row">${layer}</th>${rows.map(({ bits }) => markup`<td>${bits[i]}</td>`)}</tr>`)}</tbody></table></div></details>`;
}

function average(bits: readonly number[], { first, count }: LayerBlock, weights?: readonly number[]): number {
  let sum = 0;
  let total = 0;
  for (let i = first; i < first + count; i++) {
    const weight = weights?.[i] ?? 1;
    sum += weight * bits[i]!;
    total += weight;
  }
  return total === 0 ? 16 : sum / total;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
