// The jobs of five systems as rows of one table: where each system's list is, what a row of it is, what can be done.
import { del, path, post } from "../../lib/api.js";
import { count, counted, duration } from "../../lib/format.js";
import { href } from "../../lib/router.js";
import { DEFAULT_PROJECT, isGoing, jobHref, jobPath, jobsPath, kindOf, versionPath, wordOf } from "../training/paths.js";

/** What a row's state is called in filters. */
export const GROUPS = [["busy", "Going on"], ["good", "Done"], ["bad", "Failed"], ["plain", "Waiting"]];

const FORECAST = [["plain", "New"], ["plain", "Saved"], ["busy", "Training"], ["good", "Done"], ["bad", "Failed"]];
const TRANSFORM = { InProgress: ["busy", "In progress"], Stopping: ["busy", "Stopping"], Completed: ["good", "Completed"], Failed: ["bad", "Failed"], Stopped: ["plain", "Stopped"] };
const RUN = { running: ["busy", "Running"], paused: ["plain", "Paused"], success: ["good", "Done"], failed: ["bad", "Failed"] };
const SERVICE = { running: ["good", "Running"], starting: ["busy", "Starting"], failed: ["bad", "Failed"], paused: ["plain", "Paused"] };

/** Each: `path` of its list, `rows` of the answer; a row: `{ key, system, name, link, kind, word, progress, created, said, stop, again, remove }`. */
export const SYSTEMS = [
  {
    name: "forecasting",
    title: "Forecasting",
    path: "/job/?details=1",
    rows: (body) => body.jobs.map((it) => {
      const [kind, word] = FORECAST[it.status] ?? ["plain", `Status ${it.status}`];
      const address = path`/job/${it.job_id}/`;
      return {
        key: `f${it.job_id}`, name: it.name ?? `Job ${it.job_id}`, link: href("forecast", ["job", it.job_id]), kind, word, created: Date.parse(it.created),
        letters: it.job_id,
        progress: it.submitted ? [it.finished, it.submitted] : null,
        said: it.message ?? (it.series_count ? counted(it.series_count, "series", "series") : "no columns chosen yet"),
        stop: it.status === 2 ? () => post(`${address}stop/`) : null,
        again: { link: href("forecast", ["data", it.data_id]), words: "New job on its data" },
        remove: () => del(address),
      };
    }),
  },
  {
    name: "training",
    title: "Training",
    path: `${jobsPath(DEFAULT_PROJECT)}?per_page=1000&sortBy=create_time&order=desc`,
    rows: (body) => body.jobs.map((it) => ({
      key: `t${it.job_id}`, name: it.job_name, link: jobHref(DEFAULT_PROJECT, it.job_id), kind: kindOf(it.status), word: wordOf(it.status), created: it.create_time,
      letters: it.job_id,
      progress: null,
      said: [counted(it.version_count, "version"), it.duration ? duration(it.duration / 1000) : "", it.job_desc].filter(Boolean).join(", "),
      stop: isGoing(it.status) ? () => post(`${versionPath(DEFAULT_PROJECT, it.job_id, it.version_id)}/stop`) : null,
      again: { link: jobHref(DEFAULT_PROJECT, it.job_id), words: "New version" },
      remove: () => del(jobPath(DEFAULT_PROJECT, it.job_id)),
    })),
  },
  {
    name: "transform",
    title: "Transform",
    path: "/transform-jobs",
    rows: (body) => body.TransformJobSummaries.map((it) => {
      const [kind, word] = TRANSFORM[it.TransformJobStatus] ?? ["plain", it.TransformJobStatus];
      const address = path`/transform-jobs/${it.TransformJobName}`;
      return {
        key: `x${it.TransformJobName}`, name: it.TransformJobName, link: it.TransformJobStatus === "Completed" ? `${address}/output` : null, kind, word, created: Date.parse(it.CreationTime),
        letters: it.TransformJobName, progress: null, said: it.FailureReason ?? "",
        stop: it.TransformJobStatus === "InProgress" ? () => post(`${address}/stop`) : null,
      };
    }),
  },
  {
    name: "scoring",
    title: "Scoring runs",
    path: "/api/v1/runs",
    rows: (body) => body.data.runList.map((it) => {
      const [kind, word] = RUN[it.status] ?? ["plain", it.status];
      const operate = (type) => post("/operate-run", { runName: it.name, runId: it.id, type });
      return {
        key: `r${it.id}`, name: it.name, link: href("models", ["runs"]), kind, word, created: Date.parse(it.createTime), letters: it.jobName, progress: null,
        said: [it.reason, `${count(it.rows)} rows`, it.wrongRows ? `${count(it.wrongRows)} wrong` : "", it.duration ? duration(it.duration / 1000) : ""].filter(Boolean).join(", "),
        stop: it.status === "running" || it.status === "paused" ? () => operate("stop") : null,
        again: { run: () => post(path`/api/v1/jobs/${it.jobName}`, {}), words: "Run again" },
        remove: () => operate("delete"),
      };
    }),
  },
  {
    name: "services",
    title: "Services",
    path: "/service-list",
    rows: (body) => body.data.serviceList.map((it) => {
      const [kind, word] = SERVICE[it.status] ?? ["plain", it.status];
      return { key: `s${it.serviceName}`, name: it.serviceName, link: href("models", ["services", it.serviceName]), kind, word, created: Date.parse(it.createTime), letters: it.serviceName, progress: null, said: `${it.modelName}, ${counted(it.podList.length, "replica")}`, stop: null };
    }),
  },
];
