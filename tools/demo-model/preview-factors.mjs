// Fits the linear map from latents to rough colours that previews use, by least squares over pictures this library
// paints: each latent pixel against the mean of the 8×8 pixels it decodes to. Prints the map for `pleinair.json`
// ("latent_to_rgb") and how much of the colours' variance it explains. Needs a build and a GPU (a software one will do).
//
//   node tools/demo-model/preview-factors.mjs [pictures]
import { readFile } from 'node:fs/promises';
import { load } from 'pleinair';
import { modelUrl } from '@pleinair/demo-model';

const count = Number(process.argv[2] ?? 24);
const held = JSON.parse(await readFile(new URL('../../packages/demo-model/prompts-held-out.json', import.meta.url)));
const prompts = (Array.isArray(held) ? held : held.prompts).map((one) => one.prompt ?? one);
const painter = await load(modelUrl, { memory: 'resident', precision: 'f32' });

// Normal equations of five unknowns (four channels and a constant) for each colour.
const normal = Array.from({ length: 5 }, () => new Float64Array(5));
const right = Array.from({ length: 3 }, () => new Float64Array(5));
const sums = { n: 0, value: [0, 0, 0], square: [0, 0, 0] };
const samples = [];
for (let i = 0; i < count; i++) {
  const prompt = prompts[Math.floor((i * prompts.length) / count)];
  const { images } = await painter.generate({ prompt, seed: i });
  const { latents, rgba, width, height } = images[0];
  const [w, h] = [width / 8, height / 8];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const row = [0, 1, 2, 3].map((c) => latents[(c * h + y) * w + x]).concat(1);
      const color = [0, 1, 2].map((c) => blockMean(rgba, width, x, y, c) / 127.5 - 1);
      samples.push([row, color]);
      row.forEach((a, r) => {
        row.forEach((b, s) => (normal[r][s] += a * b));
        color.forEach((value, c) => (right[c][r] += a * value));
      });
      sums.n++;
      color.forEach((value, c) => ((sums.value[c] += value), (sums.square[c] += value * value)));
    }
  }
}
painter.dispose();
const solved = right.map((b) => solve(normal, b));
const error = [0, 0, 0];
for (const [row, color] of samples) {
  color.forEach((value, c) => (error[c] += (value - row.reduce((sum, a, r) => sum + a * solved[c][r], 0)) ** 2));
}
const round = (value) => Number(value.toFixed(4));
const explained = error.map((e, c) => 1 - e / (sums.square[c] - sums.value[c] ** 2 / sums.n));
const map = { weights: solved.map((row) => row.slice(0, 4).map(round)), bias: solved.map((row) => round(row[4])) };
console.log(JSON.stringify({ latent_to_rgb: map }, null, 2));
console.log(
  `variance explained, red, green, blue: ${explained.map((r) => r.toFixed(3)).join(', ')} (${sums.n} pixels)`,
);
process.exit(0);

function blockMean(rgba, width, x, y, c) {
  let sum = 0;
  for (let dy = 0; dy < 8; dy++)
    for (let dx = 0; dx < 8; dx++) sum += rgba[((y * 8 + dy) * width + x * 8 + dx) * 4 + c];
  return sum / 64;
}

/** Gaussian elimination with pivots. */
function solve(matrix, vector) {
  const rows = matrix.map((row, i) => [...row, vector[i]]);
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows
      .slice(i)
      .reduce((best, row, j) => (Math.abs(row[i]) > Math.abs(rows[best][i]) ? i + j : best), i);
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let j = 0; j < rows.length; j++) {
      if (j === i) continue;
      const factor = rows[j][i] / rows[i][i];
      rows[j] = rows[j].map((value, k) => value - factor * rows[i][k]);
    }
  }
  return rows.map((row, i) => row.at(-1) / row[i]);
}
