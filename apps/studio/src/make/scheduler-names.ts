import { listSchedulers } from '@pleinair/schedulers';

/** A scheduler as the form offers it. */
export interface SchedulerChoice {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly use: string;
}

/** Every scheduler by its usual name, and with Karras noise levels where it has them. */
export const schedulerChoices: readonly SchedulerChoice[] = listSchedulers().flatMap(
  ({ name, aliases, spreads, use }) => {
    const title = aliases[0] ?? name;
    const plain = { name, title, use };
    return spreads ? [plain, { name: `${name}-karras`, title: `${title} Karras`, use }] : [plain];
  },
);

/** What people call a scheduler, by its short name or its diffusers class. */
export function schedulerTitle(name: string): string {
  const choice = schedulerChoices.find((each) => each.name === name);
  return choice?.title ?? listSchedulers().find(({ className }) => className === name)?.aliases[0] ?? name;
}
