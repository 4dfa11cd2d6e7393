import { heldOutPrompts } from '@pleinair/demo-model';
import {
  candidatesOf,
  evaluateRecipes,
  evaluationSettings,
  LayerWeights,
  type Progress,
  type RecipeEvaluation,
  type RecipeFile,
} from '@pleinair/palettize';
import { nodeWorkerSolver, openEvaluationLog } from '@pleinair/palettize/node';
import { SdxlAnalysis } from '@pleinair/sdxl';
import type { Device } from '@pleinair/tensor';
import { paletteBits } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';

/** Noise of the evaluation: other than that of any analysis, whose seeds begin with 0. */
const seed = 1000;

/** What {@link evaluateDemo} needs. */
export interface DemoEvaluation {
  readonly device: Device;
  /** The demo model's folder. */
  readonly model: string;
  /** Analyses by method; `published` is there, and gives the order of the curves of one width. */
  readonly files: Readonly<Record<string, RecipeFile>>;
  /** How many of the held-out prompts. */
  readonly prompts: number;
  /** Points of each curve of one width. */
  readonly points: number;
  /** A file that results are kept in, so that an evaluation that was ended goes on. Default: none. */
  readonly log?: string;
  readonly onProgress?: (progress: Progress) => void;
}

/** Measures recipes on the demo model, on prompts and noise that no analysis has seen. */
export async function evaluateDemo(options: DemoEvaluation): Promise<RecipeEvaluation> {
  const { device, files, points, onProgress } = options;
  const order = files['published'];
  if (!order)
    throw new Error('evaluateDemo: expected the published analysis among the files, got none. Make it first.');
  const prompts = heldOutPrompts.slice(0, options.prompts).map(({ prompt }) => prompt);
  const opened = await SdxlAnalysis.open(folderSource(options.model), { prompts, seed });
  const layers = new Set(order.analysis?.layers?.map(({ layer }) => layer));
  const all = candidatesOf(opened.unet.entries.values(), { minWeights: 0 });
  const candidates = all.filter(({ layer }) => layers.has(layer));
  const solver = nodeWorkerSolver();
  const settings = { ...evaluationSettings({ candidates }), ...(await opened.settings(device)) };
  const log = options.log === undefined ? undefined : await openEvaluationLog(options.log, settings);
  try {
    const weights = new LayerWeights(opened.unet, { widths: paletteBits, solver });
    const engine = await opened.engine(device, { weights });
    try {
      const methods = Object.fromEntries(Object.entries(files).map(([method, file]) => [method, { file }]));
      return await evaluateRecipes({ engine, candidates, methods, order, points, log, onProgress });
    } finally {
      engine.dispose();
    }
  } finally {
    await log?.close();
    await solver.close();
  }
}
