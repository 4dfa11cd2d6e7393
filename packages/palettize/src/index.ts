export { PalettizeError, RecipeError } from './errors.js';
export { checkLayerBits, type LayerBits } from './bits.js';
export { ProgressMeter, type Progress } from './progress.js';
export { ValueHistogram, type Distribution } from './kmeans/histogram.js';
export { makePalettes, type MakePalettesOptions, type Palette } from './kmeans/palette.js';
export { paletteLookup } from './kmeans/lookup.js';
export { directSolver, type ClusterSolver, type ClusterTask } from './workers/solver.js';
export { webWorkerSolver, type WorkerSolverOptions } from './web-workers.js';
export {
  linearInt8,
  linearInt8Bits,
  perChannelLinearInt8,
  publishedLinearInt8,
  type LinearInt8Scheme,
} from './linear-int8.js';
export {
  formatRecipeFile,
  parseRecipeFile,
  selectRecipe,
  splitRecipeAddress,
  type AnalysedLayer,
  type LayerResults,
  type Recipe,
  type RecipeFile,
} from './recipe/recipe-file.js';
export { readRecipeBlob, type PaletteFile } from './recipe/read-recipe-blob.js';
export {
  candidatesOf,
  layerName,
  type Candidate,
  type CandidateOptions,
  type TensorInfo,
} from './recipe/candidates.js';
export { resolveRecipe } from './recipe/resolve.js';
export { averageBits, layerStoredBits } from './recipe/average-bits.js';
export { recipeSizes, type RecipeSizes } from './recipe/recipe-sizes.js';
export { applyRule, type PartRule, type RuledPart } from './recipe/part-rule.js';
export { storedAverageBits } from './recipe/stored-average.js';
export type { FitOptions } from './apply/fit-tensor.js';
export type { InputMoments } from './apply/error-feedback.js';
export { InputStatistics, type InputSums } from './calibrate/input-statistics.js';
export type { CalibrationSaves, SavedCalibration } from './calibrate/calibration-saves.js';
export type { Calibration, CalibrationOrigin, CalibrationReference } from './calibrate/calibration.js';
export { readCalibrationBlob } from './calibrate/read-calibration-blob.js';
export { fitPalettes, type FittedTensor } from './apply/fit-palettes.js';
export { palettizeModel, type AppliedPart, type PalettizeModelOptions } from './apply/palettize-model.js';
export { palettizedPart, type PackOptions, type PalettizedPart } from './apply/palettized-tensors.js';
export { LayerWeights, type LayerWeightsOptions } from './analyze/layer-weights.js';
export {
  LayerStates,
  type AnalysisEngine,
  type LayerForm,
  type LinearForm,
  type MeasureOptions,
  type ModelState,
} from './analyze/engine.js';
export { mapLog, type EvaluationLog } from './analyze/evaluation-log.js';
export { generalCalibrationPrompts, generalPrompts } from './analyze/general-prompts.js';
export { fingerprintOf } from './analyze/fingerprint.js';
export { ProbeEngine, type ModelProbe, type ProbeEngineOptions } from './analyze/probe-engine.js';
export { psnr } from './analyze/psnr.js';
export type { Analysis, AnalysisOptions } from './analyze/analysis.js';
export { analyzePublished, publishedSettings, publishedWidths, type PublishedOptions } from './analyze/published.js';
export { analyzeFast, fastSettings, fastTargets, fastWidths, type FastOptions } from './analyze/fast/fast.js';
export { advantages, psnrAt, type Advantage, type CurvePoint } from './evaluate/curve.js';
export {
  evaluateRecipes,
  evaluationSettings,
  type EvaluateOptions,
  type FixedCurves,
  type FixedWeights,
  type MethodCurve,
  type MethodToEvaluate,
  type RecipeEvaluation,
} from './evaluate/evaluate-recipes.js';
export { parseEvaluation, type EvaluatedRecipes } from './evaluate/parse-evaluation.js';
