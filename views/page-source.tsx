// The page that a citation leads to.

import { type Assets, Layout } from "./page.tsx";
import { type ShownSource, Source } from "./source.tsx";
import { pageTitle } from "./title.ts";

interface PageProps extends ShownSource {
  /** Address of the conversation. */
  readonly back: string;
  readonly assets: Assets;
}

export function SourcePage({ back, assets, ...shown }: PageProps) {
  const { source, words } = shown;
  const title = words.source.title(source.n);
  return (
    <Layout title={pageTitle(title)} assets={assets} words={words} isPrivate>
      <main class="papers">
        <h1>{title}</h1>
        <Source {...shown} />
        <p>
          <a href={back}>{words.source.back}</a>
        </p>
      </main>
    </Layout>
  );
}
