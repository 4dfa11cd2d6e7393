import { useEffect, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../../studio-context.js';
import { AddFromDisk } from './add-from-disk.js';
import { AddFromHub } from './add-from-hub.js';
import { DemoCard, ModelCard } from './model-card.js';
import { StorageLine } from './storage-line.js';
import '../../styles/models.css';

/** The models there are, and how to get more. */
export function ModelsPage(): ReactElement {
  const { modelShelf } = useStudio();
  const { entries, jobs, failures, broken } = useStore(modelShelf.store);
  useEffect(() => void modelShelf.open(), [modelShelf]);
  // What is on its way and has no entry yet: a download that asks the Hub, a conversion until it is whole.
  const named = new Set(entries?.map(({ name }) => name));
  const coming = [...new Set([...Object.keys(jobs), ...Object.keys(failures)])].filter((name) => !named.has(name));
  return (
    <div className="page models">
      <header className="models-head">
        <h1>Models</h1>
        <StorageLine />
      </header>
      {broken && (
        <p className="notice-warning" role="alert">
          Models cannot be kept here: {broken.message}
        </p>
      )}
      <section aria-labelledby="models-yours">
        <h2 id="models-yours" className="visually-hidden">
          Models that are here
        </h2>
        <ul className="model-list">
          <DemoCard />
          {entries?.map((entry) => (
            <ModelCard key={entry.name} name={entry.name} entry={entry} />
          ))}
          {coming.map((name) => (
            <ModelCard key={name} name={name} />
          ))}
        </ul>
      </section>
      <div className="models-add">
        <AddFromHub />
        <AddFromDisk />
      </div>
    </div>
  );
}
