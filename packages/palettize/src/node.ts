export { nodeWorkerSolver } from './node-workers.js';
export { calibrationOf, readRecipe, readRecipeFile, writeRecipeFile, type RecipeRead } from './node/recipe-io.js';
export {
  calibrationPath,
  findCalibration,
  readCalibration,
  writeCalibration,
  type FoundCalibration,
} from './node/calibration-io.js';
export {
  calibrationSavesPath,
  openCalibrationSaves,
  type CalibrationSavesFolder,
} from './node/calibration-saves-folder.js';
export { applyRecipe, type ApplyOptions } from './node/apply-recipe.js';
export { openEvaluationLog, type EvaluationLogFile } from './node/evaluation-log-file.js';
