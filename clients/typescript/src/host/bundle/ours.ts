/** Marks a resolution that one of our plugins asked for, so that none of them takes it again. */
export const OURS = Symbol("resolved by a plugin of ours");
