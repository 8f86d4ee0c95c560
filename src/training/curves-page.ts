/** placeholder */
export async function writeCurvesPage(_runDirectory: string): Promise<void> {}
