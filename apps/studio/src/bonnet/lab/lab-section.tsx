import { RecipeError, type PaletteFile } from '@pleinair/palettize';
import { reportContent, type ReportContent } from '@pleinair/palettize/report';
import { useEffect, useId, useMemo, useState, type DragEvent, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import type { PictureShape } from '../../engine/bonnet-protocol.js';
import type { StudioModel } from '../../models/studio-model.js';
import { useStudio } from '../../studio-context.js';
import { Section } from '../section.js';
import { Comparison } from './comparison.js';
import { LayerStrips } from './layer-strips.js';
import { demoRecipes, openRecipes, type OpenedFiles } from './open-recipes.js';
import { QualityFigure } from './quality-figure.js';
import { RecipesTable } from './recipes-table.js';

/** What palettes do to a model: recipes' curves, bits of layers, and pictures by different recipes. */
export function LabSection({
  model,
  shape,
}: {
  readonly model: StudioModel;
  readonly shape: PictureShape;
}): ReactElement {
  const { bonnet } = useStudio();
  const own = useStore(bonnet, ({ files }) => files);
  const [demo, setDemo] = useState<readonly PaletteFile[]>([]);
  const [refused, setRefused] = useState<OpenedFiles['refused']>([]);
  const [over, setOver] = useState(false);
  const inputId = useId();
  useEffect(() => void demoRecipes().then(setDemo), []);
  const files = own.length > 0 ? own : demo;
  const { content, problem } = useMemo(() => contentOf(files), [files]);
  const open = async (chosen: Iterable<File>): Promise<void> => {
    const opened = await openRecipes(chosen);
    setRefused(opened.refused);
    if (opened.files.length === 0) return;
    // A record or a calibration belongs to the recipes that are there; recipes take the place of others.
    const belongs = opened.files.every(({ kind }) => kind !== 'recipes');
    const again = new Set(opened.files.map(({ name }) => name));
    const kept = belongs ? files.filter(({ name }) => !again.has(name)) : [];
    bonnet.setState({ files: [...kept, ...opened.files] });
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void open(event.dataTransfer.files);
  };
  return (
    <Section
      id="palettes"
      title="Palette lab"
      about="Palettes store a weight as an index of 1 to 8 bits into a few values of its layer. A recipe says how many bits each layer gets. What it says, what it costs in quality, and what pictures make of it:"
    >
      <div
        className="lab-drop"
        data-over={over}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <p>
          {own.length > 0
            ? `Shown: ${own.map(({ name }) => name).join(', ')}.`
            : 'Shown: the demo model’s own analyses, and what their recipes reach on prompts they had not seen.'}
        </p>
        <div className="actions">
          <label className="button-plain file-button" htmlFor={inputId}>
            Open recipe files
          </label>
          <input
            id={inputId}
            className="visually-hidden"
            type="file"
            accept=".json,application/json,.safetensors"
            multiple
            onChange={({ target }) => {
              void open([...(target.files ?? [])]);
              target.value = '';
            }}
          />
          {own.length > 0 && (
            <button type="button" className="button-quiet" onClick={() => bonnet.setState({ files: [] })}>
              Show the demo’s again
            </button>
          )}
        </div>
        <p className="hint">
          Or drop them here: what “pleinair palettize analyze” writes, its calibration too, or published recipes.
        </p>
      </div>
      {[...refused, ...(problem ? [problem] : [])].map(({ code, message }) => (
        <p key={message} className="failure" role="alert">
          {message} <code>{code}</code>
        </p>
      ))}
      {content && (
        <>
          <div>
            <h3>{content.model}</h3>
            <p className="hint">{content.overview}</p>
          </div>
          {content.findings.length > 0 && (
            <ul className="findings">
              {content.findings.map((finding) => (
                <li key={finding}>{finding}</li>
              ))}
            </ul>
          )}
          <QualityFigure content={content} />
          <RecipesTable groups={content.groups} />
          {content.layers && <LayerStrips view={content.layers} />}
        </>
      )}
      <Comparison model={model} shape={shape} files={files} />
    </Section>
  );
}

function contentOf(files: readonly PaletteFile[]): {
  readonly content?: ReportContent;
  readonly problem?: { readonly code: string; readonly message: string };
} {
  const recipes = files.filter((file) => file.kind === 'recipes');
  const record = files.find((file) => file.kind === 'evaluation');
  // The method that others are held against comes first.
  const sorted = recipes.toSorted((a, b) => Number(isPublished(b)) - Number(isPublished(a)));
  if (sorted.length === 0) return {};
  try {
    return { content: reportContent({ files: sorted, evaluation: record?.evaluation }) };
  } catch (error) {
    if (error instanceof RecipeError) return { problem: { code: error.code, message: error.message } };
    throw error;
  }
}

function isPublished(file: Extract<PaletteFile, { kind: 'recipes' }>): boolean {
  return (file.file.analysis?.method ?? 'published') === 'published';
}
