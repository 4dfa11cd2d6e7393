/** What a scene can show, in the order of the checker's outputs. */
export const ATTRIBUTE_VALUES = {
  time: ['dawn', 'noon', 'sunset', 'night'],
  terrain: ['mountain', 'desert', 'sea', 'forest', 'hills'],
  season: ['spring', 'summer', 'autumn', 'winter'],
  sky: ['sun', 'moon', 'stars', 'clouds', 'clear'],
  object: ['cabin', 'sailboat', 'lighthouse', 'tree', 'balloon', 'none'],
} as const;

/** One of the five things a prompt can ask about. */
export type AttributeName = keyof typeof ATTRIBUTE_VALUES;

/** What was found in a picture; a desert and a sea have no season. */
export type Attributes = {
  [K in AttributeName]: (typeof ATTRIBUTE_VALUES)[K][number] | (K extends 'season' ? null : never);
};

/** What a prompt asks for; attributes it leaves open are absent. */
export type AskedAttributes = Partial<Attributes>;
