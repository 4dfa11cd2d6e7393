import { heldOutPrompts } from '@pleinair/demo-model';
import {
  candidatesOf,
  evaluateRecipes,
  evaluationSettings,
  LayerWeights,
  type Calibration,
  type InputMoments,
  type MethodToEvaluate,
  type ProbeEngine,
  type Progress,
  type RecipeEvaluation,
} from '@pleinair/palettize';
import { nodeWorkerSolver, openEvaluationLog } from '@pleinair/palettize/node';
import { SdxlAnalysis } from '@pleinair/sdxl';
import type { Device } from '@pleinair/tensor';
import { paletteBits } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import type { FinishedAnalysis } from './analyses.js';

/** Noise of the evaluation: other than that of any analysis, whose seeds begin with 0. */
const seed = 1000;

/** What {@link evaluateDemo} needs. */
export interface DemoEvaluation {
  readonly device: Device;
  /** The demo model's folder. */
  readonly model: string;
  /** Analyses by method; `published` is there, and gives the order of the curves of one width. */
  readonly files: Readonly<Record<string, FinishedAnalysis>>;
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
  const order = files['published']?.file;
  if (!order)
    throw new Error('evaluateDemo: expected the published analysis among the files, got none. Make it first.');
  const prompts = heldOutPrompts.slice(0, options.prompts).map(({ prompt }) => prompt);
  const opened = await SdxlAnalysis.open(folderSource(options.model), { prompts, seed });
  const layers = new Set(order.analysis?.layers?.map(({ layer }) => layer));
  const all = candidatesOf(opened.unet.entries.values(), { minWeights: 0 });
  const candidates = all.filter(({ layer }) => layers.has(layer));
  const solver = nodeWorkerSolver();
  const calibrations = Object.entries(files).flatMap(([method, { file }]) =>
    file.calibration ? [[method, file.calibration.sha256] as const] : [],
  );
  const settings = {
    ...evaluationSettings({ candidates }),
    ...(await opened.settings(device)),
    ...(calibrations.length > 0 ? { calibrations } : {}),
  };
  const log = options.log === undefined ? undefined : await openEvaluationLog(options.log, settings);
  try {
    const engines: ProbeEngine[] = [];
    const engineBy = async (calibration?: Calibration): Promise<ProbeEngine> => {
      const inputsOf = (tensor: string): InputMoments | undefined => calibration?.get(tensor);
      const weights = new LayerWeights(opened.unet, { widths: paletteBits, solver, inputsOf });
      const engine = await opened.engine(device, { weights });
      engines.push(engine);
      return engine;
    };
    try {
      const engine = await engineBy();
      const methods: Record<string, MethodToEvaluate> = {};
      for (const [method, { file, calibration }] of Object.entries(files)) {
        methods[method] = { file, ...(calibration ? { engine: await engineBy(calibration) } : {}) };
      }
      // Curves of one width are of the best palettes there are, and of nearest entries for recipes of these.
      const { fast } = methods;
      const fixed = fast?.engine && { engine: fast.engine, order: fast.file };
      return await evaluateRecipes({ engine, fixed, candidates, methods, order, points, log, onProgress });
    } finally {
      for (const engine of engines) engine.dispose();
    }
  } finally {
    await log?.close();
    await solver.close();
  }
}
