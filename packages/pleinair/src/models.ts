export {
  convertModel,
  type ConvertedModel,
  type ConvertOptions,
  type ConvertProgress,
} from './convert/convert-model.js';
export { leastWeights } from './convert/least-weights.js';
export { missingTensors } from './convert/missing-tensors.js';
export {
  palettizableParts,
  recipeRules,
  widthRules,
  type PaletteRules,
  type RecipeRuleOptions,
} from './convert/palette-rules.js';
export { modelNeeds, type ModelNeeds, type ModelNeedsOptions, type ModeNeeds } from './needs/model-needs.js';
export {
  plannedPalettes,
  type PalettizableModel,
  type PlannedPalettes,
  type PlannedPalettesOptions,
} from './needs/planned-palettes.js';
