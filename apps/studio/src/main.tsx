import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { StudioProvider } from './studio-context.js';
import { createStudio } from './studio.js';
import { applyTheme, readTheme } from './ui/theme.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/modal.css';
import './styles/make.css';
import './styles/easel.css';
import './styles/mask.css';
import './styles/gallery.css';

applyTheme(readTheme());
const studio = createStudio();
createRoot(document.querySelector('#studio')!).render(
  <StrictMode>
    <StudioProvider value={studio}>
      <App />
    </StudioProvider>
  </StrictMode>,
);
