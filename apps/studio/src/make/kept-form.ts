import type { MakeForm } from './make-store.js';

/** Fields that hold one of a few words. */
const words: { readonly [key in keyof MakeForm]?: readonly MakeForm[key][] } = {
  seedMode: ['random', 'keep'],
  preview: ['off', 'quick', 'full'],
  memory: ['auto', 'low', 'balanced', 'resident'],
};

/**
 * Of a form that was kept the fields that can be shown: those of the type that they have in a form. Fields that are
 * broken or unknown are dropped, so that one of them does not keep the page from opening.
 *
 * @param kept - Whatever was found.
 * @param form - A form that is whole.
 */
export function soundFields(kept: unknown, form: MakeForm): Partial<MakeForm> {
  if (typeof kept !== 'object' || kept === null) return {};
  const fields = Object.entries(kept).filter(
    ([key, value]) => Object.hasOwn(form, key) && isSound(key as keyof MakeForm, value, form),
  );
  return Object.fromEntries(fields);
}

function isSound(key: keyof MakeForm, value: unknown, form: MakeForm): boolean {
  const allowed: readonly unknown[] | undefined = words[key];
  if (allowed) return allowed.includes(value);
  return typeof form[key] === 'number' ? Number.isFinite(value) : typeof value === typeof form[key];
}
