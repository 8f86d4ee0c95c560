/** "1 row", "2 rows": for messages. Nouns whose plural is theirs and an s. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
