import type { PaletteFile } from '@pleinair/palettize';
import { useMemo, useState, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import type { ComparedPicture, PictureShape } from '../../engine/bonnet-protocol.js';
import { PixelsCanvas } from '../../make/pixels-canvas.js';
import type { StudioModel } from '../../models/studio-model.js';
import { useStudio } from '../../studio-context.js';
import { CheckField } from '../../ui/check-field.js';
import { SliderField } from '../../ui/slider-field.js';
import { bytesInWords } from '../../words/figures.js';
import { TaskBar } from '../task-bar.js';
import { useTask } from '../use-task.js';
import { decibels, differencePicture, picturePsnr } from './difference.js';
import { calibrationAtHand, weightsChoices } from './weights-choices.js';

/** Pictures that are painted side by side at most. */
const most = 6;

/** One prompt and seed, painted with different weights. */
export function Comparison({ model, shape, files }: ComparisonProps): ReactElement {
  const { bonnet } = useStudio();
  const shown = useStore(bonnet, ({ comparison }) => comparison);
  const task = useTask<readonly ComparedPicture[]>('compare');
  const [prompt, setPrompt] = useState(model.examples?.[0] ?? 'a lighthouse on a cliff at dawn');
  const [seed, setSeed] = useState(1);
  const [steps, setSteps] = useState(shape.steps);
  const isDemo = model.spot.kind === 'demo';
  const choices = useMemo(() => weightsChoices(files, isDemo), [files, isDemo]);
  const [chosen, setChosen] = useState<readonly string[]>(['Original, fp16', 'All layers at 4 bits']);
  const weights = choices.filter(({ label }) => chosen.includes(label));
  const toggle = (label: string): void =>
    setChosen((labels) => (labels.includes(label) ? labels.filter((each) => each !== label) : [...labels, label]));
  const paint = (): void => {
    const { memory: _, ...size } = shape;
    void task.ask(
      (engine, tell) => engine.compare({ ...size, steps, prompt, seed, weights }, tell),
      (pictures) => bonnet.setState({ comparison: { prompt, seed, pictures } }),
    );
  };
  const uncalibrated = files.find(
    (file) => file.kind === 'recipes' && file.file.calibration && !calibrationAtHand(file, files),
  )?.name;
  const simple = choices.filter(({ kind }) => kind !== 'recipe');
  const recipes = choices.filter(({ kind }) => kind === 'recipe');
  return (
    <div className="comparison">
      <h3>Pictures across recipes</h3>
      <p className="hint">
        The same prompt, seed and size with different weights of the UNet. Recipes are applied here, in this browser.{' '}
        {uncalibrated &&
          `${uncalibrated} was measured with a calibration: open that file too, or pictures come out well below the recipes’ figures.`}
      </p>
      <div className="comparison-form">
        <div className="field comparison-prompt">
          <label htmlFor="comparison-prompt">Prompt</label>
          <input id="comparison-prompt" type="text" value={prompt} onChange={({ target }) => setPrompt(target.value)} />
        </div>
        <SliderField label="Steps" value={steps} min={1} max={50} onChange={setSteps} />
        <SliderField label="Seed" value={seed} min={0} max={9999} onChange={setSeed} />
      </div>
      <fieldset className="weights-choice">
        <legend>Weights, up to {most}</legend>
        {simple.map(({ label }) => (
          <CheckField key={label} label={label} checked={chosen.includes(label)} onChange={() => toggle(label)} />
        ))}
        {recipes.length > 0 && (
          <details>
            <summary>
              {recipes.length} recipes
              {weights.some(({ kind }) => kind === 'recipe') &&
                `, ${weights.filter(({ kind }) => kind === 'recipe').length} chosen`}
            </summary>
            <div className="weights-recipes">
              {recipes.map(({ label }) => (
                <CheckField key={label} label={label} checked={chosen.includes(label)} onChange={() => toggle(label)} />
              ))}
            </div>
          </details>
        )}
      </fieldset>
      {!task.running && (
        <div className="actions">
          <button
            type="button"
            className="button-main"
            disabled={weights.length === 0 || weights.length > most}
            onClick={paint}
          >
            Paint {weights.length} side by side
          </button>
          {weights.length > most && <span className="hint">Choose {most} at most.</span>}
        </div>
      )}
      <TaskBar task={task} />
      {shown && <Pictures {...shown} />}
    </div>
  );
}

interface ComparisonProps {
  readonly model: StudioModel;
  readonly shape: PictureShape;
  readonly files: readonly PaletteFile[];
}

interface PicturesProps {
  readonly prompt: string;
  readonly seed: number;
  readonly pictures: readonly ComparedPicture[];
}

function Pictures({ prompt, seed, pictures }: PicturesProps): ReactElement {
  const [view, setView] = useState<'pictures' | 'difference'>('pictures');
  const [gain, setGain] = useState(8);
  const [first, ...others] = pictures;
  const compared = useMemo(
    () => pictures.map((picture) => ({ picture, psnr: picturePsnr(first!, picture) })),
    [pictures, first],
  );
  const isDifference = view === 'difference' && others.length > 0;
  return (
    <figure className="compared">
      <figcaption>
        “{prompt}”, seed {seed}
        {others.length > 0 && `; others against ${first!.label}`}
      </figcaption>
      {others.length > 0 && (
        <div className="compared-tools">
          {(['pictures', 'difference'] as const).map((each) => (
            <button
              key={each}
              type="button"
              className="toggle-button"
              aria-pressed={view === each}
              onClick={() => setView(each)}
            >
              {each === 'pictures' ? 'Pictures' : 'Difference'}
            </button>
          ))}
          {isDifference && <SliderField label="Times as strong" value={gain} min={1} max={32} onChange={setGain} />}
        </div>
      )}
      <ul className="compared-grid">
        {compared.map(({ picture, psnr }, i) => (
          <li key={picture.label}>
            <PixelsCanvas
              pixels={isDifference && i > 0 ? differencePicture(first!, picture, gain) : picture}
              label={
                isDifference && i > 0
                  ? `Difference from ${first!.label}: ${picture.label}`
                  : `${prompt}: ${picture.label}`
              }
            />
            <p>
              <strong>{picture.label}</strong>
            </p>
            <p className="hint">
              {i > 0 && <>{decibels(psnr)}, </>}
              {picture.averageBits !== undefined && `${picture.averageBits.toFixed(2)} bits, `}
              UNet {bytesInWords(picture.unetBytes)}
            </p>
          </li>
        ))}
      </ul>
    </figure>
  );
}
