import prompts from './general-prompts.json' with { type: 'json' };

/** Eight prompts of varied content, for models of no known specialty: what an analysis runs where it is given none. */
export const generalPrompts: readonly string[] = prompts;
