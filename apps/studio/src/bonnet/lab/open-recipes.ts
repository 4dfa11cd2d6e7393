import { recipeFiles } from '@pleinair/demo-model/files';
import { readRecipeBlob, type PaletteFile } from '@pleinair/palettize';
import { isPleinairError } from '@pleinair/tensor';

/** The demo model's own analyses, and what their recipes reach. */
export async function demoRecipes(): Promise<PaletteFile[]> {
  return Promise.all(
    Object.entries(recipeFiles).map(async ([name, url]) => readRecipeBlob(await (await fetch(url)).blob(), name)),
  );
}

/** Files that were dropped or chosen, and why others are none. */
export interface OpenedFiles {
  readonly files: readonly PaletteFile[];
  readonly refused: readonly { readonly code: string; readonly message: string }[];
}

/** Reads files about palettes; each for itself. */
export async function openRecipes(blobs: Iterable<File>): Promise<OpenedFiles> {
  const files: PaletteFile[] = [];
  const refused: { code: string; message: string }[] = [];
  for (const blob of blobs) {
    try {
      files.push(await readRecipeBlob(blob));
    } catch (error) {
      if (!isPleinairError(error)) throw error;
      refused.push({ code: error.code, message: error.message });
    }
  }
  return { files, refused };
}
