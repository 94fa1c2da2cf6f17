/** The commit that was built, in a binary made by `scripts/build`; undefined when run from source. */
export const COMMIT: string | undefined = undefined;
