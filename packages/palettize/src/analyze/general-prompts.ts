import calibration from './general-calibration-prompts.json' with { type: 'json' };
import prompts from './general-prompts.json' with { type: 'json' };

/** Eight prompts of varied content, for models of no known specialty: what an analysis runs where it is given none. */
export const generalPrompts: readonly string[] = prompts;

/**
 * More of them, to calibrate with. None of {@link generalPrompts}: what calibrated palettes do on the prompts they were
 * calibrated by says little.
 */
export const generalCalibrationPrompts: readonly string[] = calibration;
