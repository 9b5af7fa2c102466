// The pages, in the order of the menu. A page is a module with `Page({ parts, query })`; it is loaded when it is opened.
export const PAGES = [
  { name: "forecast", title: "Forecast", load: () => import("./pages/forecast.js") },
  { name: "jobs", title: "Jobs", load: () => import("./pages/jobs.js") },
  { name: "training", title: "Training", load: () => import("./pages/training/page.js") },
  { name: "models", title: "Models", load: () => import("./pages/models/page.js") },
  { name: "health", title: "Health", load: () => import("./pages/health/page.js") },
];
