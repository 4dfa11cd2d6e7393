import { Suspense, useEffect, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { lookForAdapter } from './client/adapter-store.js';
import { NoAdapterPage } from './client/no-adapter-page.js';
import { NoEnginePage } from './client/no-engine-page.js';
import { DropAnywhere } from './gallery/drop-anywhere.js';
import { registerServiceWorker } from './offline/register.js';
import { pageOf, pages } from './pages.js';
import { useRoute } from './routes.js';
import { useStudio } from './studio-context.js';
import { warnWhileUnkept } from './gallery/unkept.js';
import { AdapterBadge } from './client/adapter-badge.js';
import { Icon } from './ui/icon.js';
import { PageBoundary } from './ui/page-boundary.js';
import { ThemeToggle } from './ui/theme-toggle.js';
import { Toasts } from './ui/toasts.js';

/** The shell: navigation, and the page of the address. */
export function App(): ReactElement {
  const { adapter, engine, modelShelf, toasts, gallery, make } = useStudio();
  const news = useStore(adapter, (state) => state.news);
  useEffect(() => {
    // What a model needs depends on the adapter.
    void lookForAdapter(adapter, engine).then(() => modelShelf.openIfUsed());
  }, [adapter, engine, modelShelf]);
  useEffect(() => {
    const offer = (update: () => void): void =>
      toasts.getState().say('A new version of Studio is here.', {
        tone: 'warning',
        action: { label: 'Reload into it', run: update },
      });
    void registerServiceWorker(offer);
  }, [toasts]);
  useEffect(() => warnWhileUnkept(gallery, window), [gallery]);
  const { route, title, Page } = pageOf(useRoute());
  useEffect(() => {
    document.title = `${title} · Pleinair Studio`;
  }, [title]);
  // The gallery needs no adapter: pictures stay one's own. Nor do models, which may have to be deleted.
  const barred = news?.kind === 'failed' && route !== 'gallery' && route !== 'models';
  return (
    <div className="shell">
      <a className="skip-link" href="#content" onClick={focusContent}>
        Skip to the page
      </a>
      <header className="shell-top">
        <a className="brand" href="#/make" aria-label="Pleinair Studio">
          <img src="./icon.svg" alt="" width="28" height="28" />
          <span>Pleinair</span>
        </a>
        <nav className="shell-nav" aria-label="Pages">
          {pages.map((page) => (
            <a key={page.route} href={`#/${page.route}`} aria-current={page.route === route ? 'page' : undefined}>
              <Icon name={page.icon} />
              <span className="nav-title">{page.title}</span>
              <span className="nav-short">{page.short ?? page.title}</span>
            </a>
          ))}
        </nav>
        <div className="shell-end">
          <AdapterBadge />
          <ThemeToggle />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {barred ? (
          news.code === 'engine/died' ? (
            <NoEnginePage failure={news} />
          ) : (
            <NoAdapterPage failure={news} />
          )
        ) : (
          <PageBoundary key={route} {...(route === 'make' && { startAfresh: make.getState().startAfresh })}>
            <Suspense fallback={<p className="page-waits">One moment…</p>}>
              <Page />
            </Suspense>
          </PageBoundary>
        )}
      </main>
      <DropAnywhere />
      <Toasts />
    </div>
  );
}

/** A plain `#content` would change the route. */
function focusContent(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#content')?.focus();
}
