// The frame around the pages: where one is, where one can go, the theme, signing in.
import { own, session, signIn, signOut, whoAsks } from "./lib/api.js";
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./lib/html.js";
import { href, useRoute } from "./lib/router.js";
import { useStore } from "./lib/store.js";
import { PAGES } from "./pages.js";
import { Button, TextField } from "./ui/controls.js";
import { Dialog } from "./ui/dialog.js";
import { attempt, Empty, ErrorNote, Skeleton, Toasts } from "./ui/feedback.js";

const loaded = new Map();
/** Pages are loaded when it is known whose things they show; null: nobody has signed in yet. */
const asked = whoAsks().catch(() => null);

function App() {
  const route = useRoute();
  const page = PAGES.find((each) => each.name === (route.page || PAGES[0].name));
  const main = useRef(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = page ? `${page.title} – Tidecast` : "Tidecast";
    if (first.current) first.current = false;
    else main.current?.focus();
  }, [page]);
  return html`
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      main.current.focus();
    }}>Skip to the content</a>
    <header class="top">
      <a class="brand" href=${href("")} aria-label="Tidecast, start"><${Mark} /><span>Tidecast</span></a>
      <nav aria-label="Pages">
        ${PAGES.map((each) => html`<a key=${each.name} href=${href(each.name)} aria-current=${each === page ? "page" : undefined}>${each.title}</a>`)}
      </nav>
      <div class="tools">
        <a href="/docs" class="quiet">API</a>
        <${Theme} />
        <${SignedIn} />
      </div>
    </header>
    <main id="main" tabindex="-1" ref=${main} aria-label=${page?.title}>
      ${page
        ? html`<${Guarded} key=${page.name} page=${page} route=${route} />`
        : html`<${Empty} title="There is no such page" action=${html`<a class="button" href=${href("")}>Go to the start</a>`}>The address may be of another version of the dashboard.<//>`}
    </main>
    <${Toasts} />
    <${SignIn} />
  `;
}

/** A page that fails takes nothing else with it. */
function Guarded({ page, route }) {
  const [error, reset] = useErrorBoundary((thrown) => console.error(thrown));
  const [View, setView] = useState(() => loaded.get(page.name) ?? null);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
    if (View) return;
    asked.then(() => page.load()).then(
      (module) => {
        loaded.set(page.name, module.Page);
        setView(() => module.Page);
      },
      () => setFailed(new Error("This page could not be loaded: the service may have been updated. Load it again.")),
    );
  }, []);
  if (failed) return html`<${ErrorNote} error=${failed} retry=${() => location.reload()} />`;
  if (error) return html`<${ErrorNote} title="This page failed." error=${error} retry=${reset} />`;
  if (!View) return html`<${Skeleton} lines=${6} />`;
  return html`<${View} parts=${route.parts} query=${route.query} />`;
}

function Mark() {
  return html`<svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true"><rect width="32" height="32" rx="7" class="mark" /><path d="M5 20c3.5 0 3.500-8 7-8s3.500 8 7 8 3.500-8 8-8" class="wave" /></svg>`;
}

const THEMES = { system: "System theme", light: "Light theme", dark: "Dark theme" };

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "system");
  function choose(next) {
    setTheme(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("tidecast.theme");
      else localStorage.setItem("tidecast.theme", next);
    } catch {
      // It holds for this page.
    }
    dispatchEvent(new Event("tidecast-theme"));
  }
  return html`<select class="theme" aria-label="Theme" value=${theme} onChange=${(event) => choose(event.target.value)}>
    ${Object.entries(THEMES).map(([value, words]) => html`<option key=${value} value=${value} selected=${value === theme}>${words}</option>`)}
  </select>`;
}

function SignedIn() {
  const signedIn = useStore(session, (it) => it.signedIn);
  const [who, setWho] = useState(null);
  useEffect(() => {
    const before = own.project;
    (signedIn ? whoAsks() : asked).then((me) => {
      if (signedIn && me.project !== before) location.reload(); // what is loaded shows another project's
      else setWho(session.get().needed ? null : me);
    }, () => setWho(null));
  }, [signedIn]);
  return who?.name ? html`<span class="quiet">${who.name}</span><${Button} kind="small" onClick=${() => attempt(signOut)}>Sign out<//>` : null;
}

function SignIn() {
  const { needed, reason } = useStore(session);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState(null);
  if (!needed) return null;
  async function send(event) {
    event.preventDefault();
    setError(null);
    try {
      await signIn(user.trim(), password);
      setPassword("");
    } catch (failed) {
      setError(failed);
    }
  }
  return html`<${Dialog} title="Sign in" onClose=${() => session.set({ ...session.get(), needed: false })}>
    <form onSubmit=${send}>
      <p class="quiet">${reason || "The service asks who you are."}</p>
      <${TextField} label="User" autofocus autocomplete="username" value=${user} onChange=${setUser} />
      <${TextField} label="Password" type="password" autocomplete="current-password" value=${password} onChange=${setPassword} />
      <${ErrorNote} error=${error} />
      <footer><button type="submit" class="primary" disabled=${!user.trim() || !password}>Sign in</button></footer>
    </form>
  <//>`;
}

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
