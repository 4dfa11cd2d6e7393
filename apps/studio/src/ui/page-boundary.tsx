import { Component, type ReactNode } from 'react';
import { errorInWords } from '../words/error-in-words.js';

interface PageBoundaryProps {
  readonly children: ReactNode;
  /** Takes away what the page may have broken on; absent where it remembers nothing. */
  readonly startAfresh?: () => void;
}

interface PageBoundaryState {
  readonly error: unknown;
  readonly broken: boolean;
}

/** Shows what went wrong in a page instead of an empty window, and a way on. React asks for a class here. */
export class PageBoundary extends Component<PageBoundaryProps, PageBoundaryState> {
  override state: PageBoundaryState = { error: undefined, broken: false };

  static getDerivedStateFromError(error: unknown): PageBoundaryState {
    return { error, broken: true };
  }

  override render(): ReactNode {
    const { children, startAfresh } = this.props;
    const { error, broken } = this.state;
    if (!broken) return children;
    return (
      <div className="page">
        <div className="failure" role="alert">
          <h1>This page broke</h1>
          <p>Your pictures and models are all there.</p>
          <details>
            <summary>What was said</summary>
            <p>{errorInWords(error)}</p>
          </details>
          <button type="button" className="button-plain" onClick={() => this.again()}>
            Try again
          </button>
          {startAfresh && (
            <button type="button" className="button-plain" onClick={() => this.again(startAfresh)}>
              Start with a fresh form
            </button>
          )}
        </div>
      </div>
    );
  }

  private again(first?: () => void): void {
    first?.();
    this.setState({ error: undefined, broken: false });
  }
}
