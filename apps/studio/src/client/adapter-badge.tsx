import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../studio-context.js';

/** What paints, in a few words. */
export function AdapterBadge(): ReactElement | null {
  const { adapter } = useStudio();
  const news = useStore(adapter, (state) => state.news);
  if (!news) return null;
  if (news.kind === 'failed') {
    return <span className="badge badge-warning">{news.code === 'engine/died' ? 'No engine' : 'No GPU'}</span>;
  }
  const why = news.isSoftware ? 'A software adapter: it works, slowly' : 'The GPU that paints';
  return (
    <span className="badge" title={`${why}: ${news.name}`}>
      {news.isSoftware ? 'Software GPU' : news.name}
    </span>
  );
}
