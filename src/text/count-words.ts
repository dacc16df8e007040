/** Words of a text: runs of characters without white space. */
export const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0;
