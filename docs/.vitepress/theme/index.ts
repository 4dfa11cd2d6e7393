import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import BenchRunner from './components/BenchRunner.vue';
import LiveDemo from './components/LiveDemo.vue';
import PsnrFigure from './components/PsnrFigure.vue';
import './style.css';

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('BenchRunner', BenchRunner);
    app.component('LiveDemo', LiveDemo);
    app.component('PsnrFigure', PsnrFigure);
  },
};

export default theme;
