// Where the training jobs of a project are, and what the numbers of their states mean (contract 002).
import { get, own, path } from "../../lib/api.js";
import { href } from "../../lib/router.js";

/** That of whoever asks; another one is named in the page's address. */
export const DEFAULT_PROJECT = own.project;
const MOST = 1000; // of a page of the list

export const projectOf = (query) => query.project || DEFAULT_PROJECT;
/** What every address of these pages keeps. */
export const kept = (project) => (project === DEFAULT_PROJECT ? {} : { project });
export const jobsPath = (project) => path`/v1/${project}/training-jobs`;
export const jobPath = (project, job) => path`/v1/${project}/training-jobs/${job}`;
export const versionPath = (project, job, version) => path`/v1/${project}/training-jobs/${job}/versions/${version}`;
export const jobHref = (project, job, version) => href("training", version ? [job, version] : [job], kept(project));
export const workloadOf = (job, version) => `tj-${job}-${version}`;

export const listJobs = (project, search, signal) =>
  get(jobsPath(project), { query: { per_page: MOST, sortBy: "create_time", order: "desc", search_content: search }, signal });

const STATES = {
  1: ["Starting", "plain"],
  5: ["Could not start", "bad"],
  6: ["Not removed", "bad"],
  7: ["Queued", "plain"],
  8: ["Running", "busy"],
  9: ["Stopping", "warn"],
  10: ["Completed", "good"],
  11: ["Failed", "bad"],
  12: ["Stopped", "warn"],
  13: ["Stopped before it ran", "warn"],
  14: ["Lost", "bad"],
};
const GOING = [1, 7, 8, 9];

export const wordOf = (status) => STATES[status]?.[0] ?? (status === undefined ? "No version" : `State ${status}`);
export const kindOf = (status) => STATES[status]?.[1] ?? "plain";
/** Whether it goes on by itself. */
export const isGoing = (status) => GOING.includes(status);
export const isFailed = (status) => kindOf(status) === "bad";
